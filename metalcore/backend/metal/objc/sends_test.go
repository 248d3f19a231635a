package objc_test

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSends holds every message that is sent, and every constant of Apple's,
// against the interfaces of the frameworks.
func TestSends(t *testing.T) {
	tables := loadTables(t)
	for _, dir := range []string{".", ".."} {
		c := check(t, dir, tables)
		for _, f := range c.faults {
			t.Errorf("%s", f)
		}
		t.Logf("%s: %d methods, %d calls, %d constants", dir, len(c.methods), c.calls, c.constants)
		if dir == ".." && (len(c.methods) < 60 || c.calls < 70 || c.constants < 15) {
			t.Error("the check does not find what it is to check")
		}
	}
}

var wantComment = regexp.MustCompile(`// want "(.*?)"`)

// TestSendsWrong sees that each kind of fault is found.
func TestSendsWrong(t *testing.T) {
	c := check(t, "testdata/wrong", loadTables(t))
	data, err := os.ReadFile("testdata/wrong/wrong.go")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for i, line := range strings.Split(string(data), "\n") {
		for _, m := range wantComment.FindAllStringSubmatch(line, -1) {
			want[fmt.Sprintf("wrong.go:%d: %s", i+1, m[1])] = false
		}
	}
	for _, f := range c.faults {
		place, text, _ := strings.Cut(f, ": ")
		found := false
		for w := range want {
			wantPlace, wantText, _ := strings.Cut(w, ": ")
			if place == wantPlace && strings.Contains(text, wantText) {
				want[w], found = true, true
			}
		}
		if !found {
			t.Errorf("unexpected: %s", f)
		}
	}
	for w, found := range want {
		if !found {
			t.Errorf("not found: %s", w)
		}
	}
}

// checker goes through one package.
type checker struct {
	tables
	fset      *token.FileSet
	info      *types.Info
	methods   map[types.Object]*method
	calls     int
	constants int
	faults    []string
}

// method is a declared one, with what the tables say of it.
type method struct {
	class, name, types string
	newer, asked       bool
	typed              *types.Signature
	pos                token.Pos
	known              signature
}

func (m *method) String() string { return fmt.Sprintf("%c[%s %s]", m.name[0], m.class, m.name[1:]) }

func (c *checker) fault(pos token.Pos, format string, args ...any) {
	p := c.fset.Position(pos)
	c.faults = append(c.faults, fmt.Sprintf("%s:%d: %s", filepath.Base(p.Filename), p.Line, fmt.Sprintf(format, args...)))
}

func check(t *testing.T, dir string, tables tables) *checker {
	t.Helper()
	build.Default.CgoEnabled = false
	c := &checker{tables: tables, fset: token.NewFileSet(), methods: map[types.Object]*method{},
		info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}}
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: no files: %v", dir, err)
	}
	var files []*ast.File
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(c.fset, p, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	conf := types.Config{Importer: importer.ForCompiler(c.fset, "source", nil), Sizes: types.SizesFor("gc", "arm64")}
	if _, err := conf.Check(dir, c.fset, files, c.info); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		c.declarations(f)
	}
	for _, f := range files {
		c.uses(f)
	}
	for _, m := range c.methods {
		c.availability(m)
	}
	slices.Sort(c.faults)
	return c
}

// declarations enters the table of a file, and checks it.
func (c *checker) declarations(f *ast.File) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range g.Specs {
			v, ok := s.(*ast.ValueSpec)
			if !ok {
				continue
			}
			for i, id := range v.Names {
				if g.Tok == token.CONST {
					c.constant(id)
				} else if i < len(v.Values) {
					if m := c.declared(v.Values[i]); m != nil {
						c.methods[c.info.Defs[id]] = m
						c.declaration(m)
					}
				}
			}
		}
	}
}

// declared reads a call of Declare, Newer or Typed.
func (c *checker) declared(e ast.Expr) *method {
	call, ok := e.(*ast.CallExpr)
	if !ok || len(call.Args) != 3 {
		return nil
	}
	m := &method{pos: call.Pos()}
	fun := call.Fun
	if index, ok := fun.(*ast.IndexExpr); ok {
		fun = index.X
		m.typed, _ = c.info.Types[index.Index].Type.Underlying().(*types.Signature)
	}
	switch name := lastName(fun); name {
	case "Declare", "Typed":
	case "Newer":
		m.newer = true
	default:
		return nil
	}
	for i, to := range []*string{&m.class, &m.name, &m.types} {
		v := c.info.Types[call.Args[i]].Value
		if v == nil {
			c.fault(call.Pos(), "a declaration is not constant")
			return nil
		}
		*to = constant.StringVal(v)
	}
	return m
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func (c *checker) declaration(m *method) {
	known, ok := c.selectors[m.class+" "+m.name]
	if !ok {
		c.fault(m.pos, "there is no %s", m)
		return
	}
	m.known = known
	if want := known.ret + strings.Join(known.args, ""); want != m.types {
		c.fault(m.pos, "%s has types %s", m, want)
	}
	if m.typed != nil {
		if got := signatureTypes(m.typed); got != m.types {
			c.fault(m.pos, "%s: the function has types %s", m, got)
		}
		return
	}
	for i, a := range append([]string{known.ret}, known.args...) {
		switch {
		case a == "d" || a == "f" || a[0] == '{' && a != "{MTLSize=QQQ}":
			c.fault(m.pos, "%s: words carry no %s", m, a)
			return
		case i > 6 && !strings.Contains("@ Q q ^v ^@ @?", a):
			c.fault(m.pos, "%s: argument %d is on the stack, where Darwin packs a %s", m, i, a)
		}
	}
}

// availability sees that what not all systems have is asked for.
func (c *checker) availability(m *method) {
	whole := c.newer[m.class+" *"]
	newer := whole || c.newer[m.class+" "+m.name[1:]]
	switch {
	case newer && !m.newer:
		c.fault(m.pos, "%s is newer than macOS 13", m)
	case !newer && m.newer:
		c.fault(m.pos, "%s is not known to be newer than macOS 13", m)
	case newer && !whole && !m.asked:
		c.fault(m.pos, "%s is never asked for", m)
	}
}

// constant checks one that has a name of Apple's.
func (c *checker) constant(id *ast.Ident) {
	prefix := ""
	for _, p := range []string{"mtl", "mps"} {
		if strings.HasPrefix(id.Name, p) {
			prefix = p
		}
	}
	if prefix == "" {
		return
	}
	c.constants++
	name := strings.ToUpper(prefix) + id.Name[len(prefix):]
	want, ok := c.enums[name]
	got := c.info.Defs[id].(*types.Const).Val().ExactString()
	if !ok {
		c.fault(id.Pos(), "there is no constant %s", name)
	} else if got != want {
		c.fault(id.Pos(), "%s is %s, not %s", name, want, got)
	}
}
