package op_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// TestCodes runs the example in the doc of each error code.
func TestCodes(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		codes++
		name := spec.Names[0].Name
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		_, example, found := strings.Cut(spec.Doc.Text(), "Example:\n")
		if !found {
			t.Errorf("%s: the doc has no example", name)
			return false
		}
		checkExample(t, name, op.Code(value), example)
		return false
	})
	if codes == 0 {
		t.Fatal("there are no codes")
	}
}

func checkExample(t *testing.T, name string, code op.Code, example string) {
	text := "graph \"example\"\n"
	for line := range strings.Lines(example) {
		text += strings.TrimSpace(line) + "\n"
	}
	g, err := ir.Parse(text)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	var e *op.Error
	if err := op.Check(g); !errors.As(err, &e) || e.Code != code {
		t.Errorf("%s: the example gives %v, not an error of this code", name, err)
		return
	}
	if e.Why == "" {
		t.Errorf("%s: the error does not say what is wrong", name)
	}
}
