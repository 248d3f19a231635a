package op

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Check reports the first value of a graph whose operands, attributes or type
// are not what its op demands. It is meant for graphs that came as text: it
// takes nothing for granted and names the value as the text does.
func Check(g *ir.Graph) error {
	for i, v := range g.Values {
		if err := checkValue(v); err != nil {
			return fmt.Errorf("%s: %w", label(i, v), err)
		}
	}
	return g.Check()
}

// label names a value for people: number, layer and line.
func label(i int, v *ir.Value) string {
	s := fmt.Sprintf("value %%%d", i)
	if v == nil {
		return s
	}
	if v.Layer != "" {
		s += " of layer " + v.Layer
	}
	if at := v.Pos.String(); at != "" {
		s += " (" + at + ")"
	}
	return s
}

func checkValue(v *ir.Value) error {
	if v == nil {
		return &Error{Code: UnknownOp, Op: "nil", Why: "the value is missing"}
	}
	switch v.Op {
	case ir.OpInput, ir.OpState, ir.OpConst, ir.OpIota:
		return checkLeaf(v)
	}
	row := Lookup(v.Op)
	if row == nil {
		return fail(v, UnknownOp, fmt.Sprintf("there is no op %q", v.Op), "see op.All for those there are")
	}
	dtype, shape, err := row.Infer(v)
	if err != nil {
		return err
	}
	if dtype != v.DType || !shape.Equal(v.Shape) {
		return fail(v, WrongClaim, fmt.Sprintf("the result is %s%s, the graph says %s", dtype, shape, v.Type()),
			"build the value with the functions of package op")
	}
	return nil
}

func checkLeaf(v *ir.Value) error {
	if len(v.In) != 0 {
		return fail(v, BadArity, "it takes no operands", "")
	}
	if !v.DType.Valid() {
		return fail(v, BadType, v.DType.String()+" is no element type", "use one of "+ir.ListDTypes(ir.DTypes()...))
	}
	if err := v.Shape.Check(); err != nil {
		return fail(v, BadResult, err.Error(), "use smaller axes")
	}
	switch v.Op {
	case ir.OpConst:
		if _, ok := v.Attrs["value"].(float64); !ok {
			return fail(v, BadAttr, `the number "value" is missing`, "make it with ir.Const")
		}
	case ir.OpIota:
		if v.DType != ir.I32 || len(v.Shape) != 1 {
			return fail(v, WrongClaim, "it is "+v.Type()+" and must be i32 with one axis", "make it with ir.Iota")
		}
	}
	return nil
}

// checkForm checks what every shape rule relies on: the number of operands,
// their own form, and that exactly the row's attributes are there.
func (o *Op) checkForm(v *ir.Value) error {
	if n := len(v.In); n < o.Arity || n > o.Arity && !o.Variadic {
		return fail(v, BadArity, fmt.Sprintf("%d operands, it takes %d", n, o.Arity), "")
	}
	for i, in := range v.In {
		if in == nil {
			return fail(v, BadArity, fmt.Sprintf("operand %d is nil", i+1), "pass a value")
		}
		if !in.DType.Valid() {
			return fail(v, BadType, fmt.Sprintf("operand %d is %s", i+1, in.DType), "use one of "+ir.ListDTypes(ir.DTypes()...))
		}
		if err := in.Shape.Check(); err != nil {
			return fail(v, BadResult, err.Error(), "use smaller axes")
		}
	}
	for _, a := range o.Attrs {
		if !a.holds(v.Attrs[a.Name]) {
			return fail(v, BadAttr, fmt.Sprintf("the attribute %q (%s) is missing or of another type", a.Name, a.Kind), "")
		}
	}
	if len(v.Attrs) > len(o.Attrs) {
		return fail(v, BadAttr, fmt.Sprintf("%d attributes, it has %d", len(v.Attrs), len(o.Attrs)), "leave out the others")
	}
	return nil
}

func (a Attr) holds(x any) bool {
	switch x.(type) {
	case int:
		return a.Kind == IntAttr
	case []int:
		return a.Kind == IntsAttr
	case float64:
		return a.Kind == FloatAttr
	case string:
		return a.Kind == StrAttr
	case bool:
		return a.Kind == BoolAttr
	}
	return false
}
