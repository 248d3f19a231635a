package objc_test

import (
	"bufio"
	"compress/gzip"
	"go/ast"
	"go/types"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// tables are what Apple's headers say.
type tables struct {
	selectors map[string]signature // by class, + or -, and selector
	enums     map[string]string
	newer     map[string]bool // than macOS 13, by class and selector
}

type signature struct {
	args        []string
	ret, family string
}

func loadTables(t *testing.T) tables {
	t.Helper()
	out := tables{map[string]signature{}, map[string]string{}, map[string]bool{}}
	for _, file := range []string{"selectors.tsv.gz", "object.tsv"} {
		lines(t, file, func(line string) {
			f := strings.Split(line, "\t")
			out.selectors[f[0]+" "+f[1]+f[2]] = signature{objc.Split(strings.ReplaceAll(f[3], ",", "")), f[4], f[5]}
		})
	}
	lines(t, "enums.tsv.gz", func(line string) {
		name, value, _ := strings.Cut(line, "\t")
		out.enums[name] = value
	})
	lines(t, "newer.txt", func(line string) { out.newer[line] = true })
	return out
}

func lines(t *testing.T, name string, each func(string)) {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	s := bufio.NewScanner(r)
	for s.Scan() {
		if !strings.HasPrefix(s.Text(), "#") {
			each(s.Text())
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
}

// returns has the ways to send a message, with the results they are for.
var returns = map[string]string{"Send": "v", "Word": "Q q I", "Bool": "B", "Object": "@", "Owned": "@", "Make": "@", "Pointer": "^v ^c *", "Sizes": "v", "Call": ""}

// uses checks the calls of a file.
func (c *checker) uses(f *ast.File) {
	var path []ast.Node
	ast.Inspect(f, func(n ast.Node) bool {
		if n == nil {
			path = path[:len(path)-1]
			return true
		}
		path = append(path, n)
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		s, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		id, ok := s.X.(*ast.Ident)
		if !ok {
			return true
		}
		m := c.methods[c.info.Uses[id]]
		switch _, sends := returns[s.Sel.Name]; {
		case m == nil:
		case s.Sel.Name == "Has" || s.Sel.Name == "InstancesHave":
			m.asked = true
		case sends && m.known.ret != "":
			c.calls++
			c.call(m, s.Sel.Name, call)
			c.ownership(m, s.Sel.Name, call, path)
		}
		return true
	})
}

func (c *checker) call(m *method, how string, call *ast.CallExpr) {
	if how != "Call" && !contains(returns[how], m.known.ret) {
		c.fault(call.Pos(), "%s returns %s, which is no %s", m, m.known.ret, how)
	}
	switch how {
	case "Call": // the compiler knows the function
		return
	case "Sizes":
		if strings.Join(m.known.args, "") != "{MTLSize=QQQ}{MTLSize=QQQ}" {
			c.fault(call.Pos(), "%s takes no two sizes", m)
		}
		return
	}
	args := call.Args[1:]
	if len(args) != len(m.known.args) {
		c.fault(call.Pos(), "%s takes %d arguments, not %d", m, len(m.known.args), len(args))
		return
	}
	for i, want := range m.known.args {
		if got := c.word(args[i]); got != want && !(got == "*" && want == "^v") {
			c.fault(call.Pos(), "%s: argument %d is %s, not %s", m, i+1, want, got)
		}
	}
}

func contains(list, s string) bool { return strings.Contains(" "+list+" ", " "+s+" ") }

// word is the encoding of what is converted to a word.
func (c *checker) word(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok && s.Sel.Name == "selector" {
		return ":"
	}
	call, ok := e.(*ast.CallExpr)
	if !ok || lastName(call.Fun) != "uintptr" {
		return "an unconverted word"
	}
	inner := call.Args[0]
	if p, ok := inner.(*ast.CallExpr); ok && lastName(p.Fun) == "Pointer" && c.info.Types[p.Fun].IsType() {
		return pointerTypes(c.info.Types[p.Args[0]].Type)
	}
	return typeOf(c.info.Types[inner].Type)
}

func pointerTypes(t types.Type) string {
	p, ok := t.Underlying().(*types.Pointer)
	if !ok {
		return "^v"
	}
	switch typeOf(p.Elem()) {
	case "@":
		return "^@"
	case "C":
		return "*"
	}
	return "^v"
}

// typeOf is the encoding of a type of Go's.
func typeOf(t types.Type) string {
	if n, ok := t.(*types.Named); ok {
		switch n.Obj().Name() {
		case "Object":
			return "@"
		case "Block":
			return "@?"
		case "Bool":
			return "B"
		}
	}
	if b, ok := t.Underlying().(*types.Basic); ok {
		return map[types.BasicKind]string{types.Uint64: "Q", types.Int64: "q", types.Uint32: "I", types.Uint8: "C", types.Float64: "d",
			types.Bool: "B"}[b.Kind()]
	}
	return t.String()
}

func signatureTypes(s *types.Signature) string {
	out := "v"
	if s.Results().Len() > 0 {
		out = typeOf(s.Results().At(0).Type())
	}
	for i := 2; i < s.Params().Len(); i++ {
		out += typeOf(s.Params().At(i).Type())
	}
	return out
}

// ownership sees that what is the caller's is taken as such, and only that.
func (c *checker) ownership(m *method, how string, call *ast.CallExpr, path []ast.Node) {
	parent := path[len(path)-2]
	owned := m.known.family != "none"
	switch {
	case how == "Object" && owned:
		c.fault(call.Pos(), "the result of %s is owned", m)
	case how == "Owned" && !owned:
		c.fault(call.Pos(), "the result of %s is borrowed", m)
	case how == "Owned" && m.known.family == "init" || how == "Make" && m.known.family != "init":
		c.fault(call.Pos(), "%s begins with %s: Make is for init only, and init for it", m, m.known.family)
	case how == "Call" && owned:
		if kv, ok := parent.(*ast.KeyValueExpr); !ok || lastName(kv.Key) != "Object" {
			c.fault(call.Pos(), "the result of %s is not Owned", m)
		}
	}
	if how != "Owned" && how != "Make" {
		return
	}
	_, alone := parent.(*ast.ExprStmt)
	s, selected := parent.(*ast.SelectorExpr)
	if alone || selected && s.Sel.Name == "Object" && m.name != "+alloc" {
		c.fault(call.Pos(), "the result of %s is dropped", m)
	}
}
