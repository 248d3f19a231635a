package metalcore

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module       = "github.com/metalnb/metalnb"
	fileLines    = 400
	funcLines    = 60
	testFuncSize = 120 // tables of cases are long
)

// arrows says which packages of this module a package may import; a name ends
// with /... for a package and those below it. What is not named here imports
// none of them. The root is where everything meets.
var arrows = map[string][]string{
	".":                                    {"..."},
	"nb":                                   {"nb/pipe", "metalcore/ir", "metalcore/op", "metalcore/autodiff", "metalcore/wire"},
	"display":                              {"nb", "metalcore/wire"},
	"display/render":                       {"metalcore/wire", "display/render/..."},
	"datasets":                             {"nb"},
	"kernelext":                            {"kernelext/...", "metalcore/wire"},
	"kernelext/...":                        {"kernelext/...", "metalcore/wire"},
	"metalcore/op":                         {"metalcore/ir"},
	"metalcore/wire":                       {"metalcore/ir"},
	"metalcore/autodiff":                   {"metalcore/ir", "metalcore/op"},
	"metalcore/compile":                    {"metalcore/ir", "metalcore/op", "metalcore/plan"},
	"metalcore/plan":                       {"metalcore/ir", "metalcore/op"},
	"metalcore/backend":                    {"metalcore/ir", "metalcore/plan"},
	"metalcore/backend/cpu":                {"metalcore/ir", "metalcore/op", "metalcore/plan", "metalcore/backend", "metalcore/backend/cpu/..."},
	"metalcore/backend/cpu/vec":            {"metalcore/ir", "metalcore/backend/cpu/asm"},
	"metalcore/backend/cpu/asm/gen":        {"metalcore/backend/cpu/neon"},
	"metalcore/backend/cpu/vec/gen":        {"metalcore/backend/cpu/neon"},
	"metalcore/backend/gpu":                {"metalcore/ir", "metalcore/op", "metalcore/plan", "metalcore/backend"},
	"metalcore/backend/cuda":               {"metalcore/backend", "metalcore/backend/gpu"},
	"metalcore/backend/device":             {"metalcore/backend", "metalcore/backend/cpu", "metalcore/backend/gpu", "metalcore/backend/metal", "metalcore/backend/cuda"},
	"metalcore/backend/metal":              {"metalcore/backend", "metalcore/backend/gpu", "metalcore/backend/metal/objc"},
	"metalcore/backend/metal/fake":         {"metalcore/backend/metal/objc", "metalcore/backend/metal/sim"},
	"metalcore/backend/metal/sim":          {"metalcore/backend/gpu"},
	"metalcore/backend/conformance":        {"metalcore/ir", "metalcore/op", "metalcore/autodiff", "metalcore/compile", "metalcore/plan", "metalcore/backend", "metalcore/backend/conformance/..."},
	"metalcore/backend/conformance/interp": {"metalcore/ir", "metalcore/op"},
	"metalcore/pool":                       {"metalcore/ir", "metalcore/plan", "metalcore/backend"},
	"metalcore/loss":                       {"metalcore/ir", "metalcore/op"},
	"metalcore/optim":                      {"metalcore/ir", "metalcore/op"},
	"metalcore/metric":                     {"metalcore/ir", "metalcore/op", "metalcore/loss"},
	"metalcore/feed":                       {"metalcore/ir", "metalcore/backend"},
	"metalcore/feed/load":                  {"metalcore/ir", "metalcore/feed"},
	"metalcore/train": {"metalcore/ir", "metalcore/op", "metalcore/autodiff", "metalcore/compile", "metalcore/plan",
		"metalcore/backend", "metalcore/loss", "metalcore/optim", "metalcore/schedule", "metalcore/metric", "metalcore/feed", "metalcore/explain"},
	"metalcore/checkpoint": {"metalcore/ir"},
	"metalcore/explain":    {"metalcore/ir", "metalcore/compile", "metalcore/plan", "metalcore/backend"},
	"metalcore/runtime": {"metalcore/ir", "metalcore/op", "metalcore/compile", "metalcore/plan", "metalcore/backend", "metalcore/feed", "metalcore/feed/load", "metalcore/train",
		"metalcore/explain", "metalcore/checkpoint", "metalcore/schedule", "metalcore/pool"},
	"metalcore/server": {"metalcore/ir", "metalcore/op", "metalcore/compile", "metalcore/loss", "metalcore/metric", "metalcore/optim", "metalcore/schedule", "metalcore/feed", "metalcore/feed/load", "metalcore/train", "metalcore/runtime",
		"metalcore/linalg", "metalcore/wire", "metalcore/socket", "metalcore/backend", "metalcore/backend/device"},
	"metalcore/server/servertest": {"display/render", "metalcore/..."},
	"metalcore/socket":            {"metalcore/wire"},
	"metalcore/remote":            {"metalcore/wire", "metalcore/socket"},
	"metalcore/control":           {"metalcore/wire"},
	"metalcore/bench":             {"metalcore/..."},
	"metalcore/doctor":            {"metalcore/..."},
}

// cellPackages are linked into every cell and use the standard library only;
// of that, not what would cost a cell tens of milliseconds.
var cellPackages = []string{"nb", "nb/pipe", "display", "datasets", "metalcore/ir", "metalcore/op", "metalcore/autodiff", "metalcore/wire"}

var tooHeavy = []string{"net", "net/http", "encoding/json", "html/template", "text/template", "regexp", "os/exec", "log", "crypto/sha256", "image/png"}

// source is one parsed Go file.
type source struct {
	path string // from the root, with slashes
	pkg  string // the folder; "." for the root
	file *ast.File
	test bool
}

// sources parses all Go files of the module.
func sources(t *testing.T) (*token.FileSet, []source) {
	t.Helper()
	fset := token.NewFileSet()
	var out []source
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel("..", path)
		rel = filepath.ToSlash(rel)
		if d.IsDir() && (d.Name() == "testdata" || rel != "." && strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		out = append(out, source{path: rel, pkg: filepath.ToSlash(filepath.Dir(rel)), file: f, test: strings.HasSuffix(rel, "_test.go")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d files found", len(out))
	}
	return fset, out
}

func TestBudgets(t *testing.T) {
	fset, files := sources(t)
	for _, s := range files {
		if n := fset.File(s.file.Pos()).LineCount(); n > fileLines {
			t.Errorf("%s has %d lines, and %d are allowed", s.path, n, fileLines)
		}
		limit := funcLines
		if s.test {
			limit = testFuncSize
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1; n > limit {
				t.Errorf("%s: %s has %d lines, and %d are allowed", s.path, f.Name.Name, n, limit)
			}
		}
	}
}

// imports of this module, as folders.
func imports(s source) (own, foreign []string) {
	for _, spec := range s.file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		if rest, ok := strings.CutPrefix(path, module); ok {
			own = append(own, strings.TrimPrefix(rest, "/"))
		} else {
			foreign = append(foreign, path)
		}
	}
	return own, foreign
}

func matches(pattern, pkg string) bool {
	prefix, tree := strings.CutSuffix(pattern, "...")
	if !tree {
		return pattern == pkg
	}
	return strings.HasPrefix(pkg+"/", prefix)
}

func TestArrows(t *testing.T) {
	_, files := sources(t)
	for _, s := range files {
		if s.test || strings.HasPrefix(s.path, "kernelext/gonb/") {
			continue
		}
		own, _ := imports(s)
		for _, to := range own {
			allowed := slices.ContainsFunc(arrowsOf(s.pkg), func(p string) bool { return matches(p, to) })
			if !allowed {
				t.Errorf("%s imports %s: the architecture draws no such arrow", s.path, to)
			}
		}
	}
}

func arrowsOf(pkg string) []string {
	for pattern, to := range arrows {
		if matches(pattern, pkg) {
			return to
		}
	}
	return nil
}

func TestCellsStayLight(t *testing.T) {
	_, files := sources(t)
	for _, s := range files {
		if s.test || !slices.Contains(cellPackages, s.pkg) {
			continue
		}
		_, foreign := imports(s)
		for _, path := range foreign {
			if strings.Contains(path, ".") {
				t.Errorf("%s imports %s: cells use the standard library only", s.path, path)
			}
			if slices.Contains(tooHeavy, path) {
				t.Errorf("%s imports %s, which costs every cell link time", s.path, path)
			}
		}
	}
}

// TestDocumented finds exported names without a comment. In a group, and on
// lines that follow each other, one comment serves all.
func TestDocumented(t *testing.T) {
	fset, files := sources(t)
	for _, s := range files {
		if s.test || s.file.Name.Name == "main" {
			continue
		}
		last := -1 // the line on which a function with a comment, or its group, ended
		for _, decl := range s.file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				commented := d.Doc != nil || fset.Position(d.Pos()).Line == last+1 || wellKnown[d.Name.Name]
				if d.Name.IsExported() && exportedReceiver(d) && !commented {
					t.Errorf("%s: %s has no comment", s.path, d.Name.Name)
				}
				if commented {
					last = fset.Position(d.End()).Line
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if name, ok := exportedSpec(spec); ok && d.Doc == nil {
						t.Errorf("%s: %s has no comment", s.path, name)
					}
				}
			}
		}
	}
}

// wellKnown methods say what they do by their names.
var wellKnown = map[string]bool{"Error": true, "String": true, "Unwrap": true}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

func exportedSpec(spec ast.Spec) (string, bool) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		return s.Name.Name, s.Name.IsExported() && s.Doc == nil
	case *ast.ValueSpec:
		return s.Names[0].Name, s.Names[0].IsExported() && s.Doc == nil && s.Comment == nil
	}
	return "", false
}

// TestQuietLibraries finds prints outside of main, of tests and of what cells
// use to speak to their user.
func TestQuietLibraries(t *testing.T) {
	_, files := sources(t)
	for _, s := range files {
		if s.test || s.file.Name.Name == "main" || s.pkg == "nb" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
				if id, ok := sel.X.(*ast.Ident); ok && id.Name == "fmt" && strings.HasPrefix(sel.Sel.Name, "Print") {
					t.Errorf("%s prints", s.path)
				}
			}
			return true
		})
	}
}
