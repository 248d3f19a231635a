package op

import (
	"cmp"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Class says in which way an op walks over its operands, which is what a
// compiler needs to know to fuse and lower it.
type Class string

// The classes.
const (
	Elementwise Class = "elementwise" // element by element, operands broadcast
	Reduce      Class = "reduce"      // folds axes
	Contract    Class = "contract"    // sums of products: matmul, convolution
	Move        Class = "move"        // same elements in another order or shape
	Index       Class = "index"       // reads or writes where another operand says
	Pool        Class = "pool"        // windows over the two axes of an image
	Loss        Class = "loss"        // a loss of one row at a time, and its gradient
	Draw        Class = "draw"        // random numbers
	Choice      Class = "choice"      // decided before a graph is compiled: see Resolve
)

// Kind is the type of an attribute.
type Kind string

// The kinds of attributes and the Go types that hold them.
const (
	IntAttr   Kind = "int"    // int
	IntsAttr  Kind = "[]int"  // []int
	FloatAttr Kind = "float"  // float64
	StrAttr   Kind = "string" // string
	BoolAttr  Kind = "bool"   // bool
)

// Attr is an attribute that every value of an op has.
type Attr struct {
	Name string
	Kind Kind
}

// Op is a row of the table.
type Op struct {
	Name     string
	Doc      string // one line with the formula
	Class    Class
	Arity    int
	Variadic bool // Arity is only the least number of operands
	Attrs    []Attr

	// Shape gives the type and shape of a value whose Op, In and Attrs are set.
	// It relies on what Infer checks before: arity, kinds of attributes, sane
	// operands.
	Shape func(v *ir.Value) (ir.DType, ir.Shape, error)

	// Grad returns for each operand of v its share of the gradient, when g is
	// the gradient of v; nil stands for zeros. Where Grad is nil, NoGrad says
	// why.
	Grad   func(v, g *ir.Value) []*ir.Value
	NoGrad string
}

// table is filled by init, because gradients use builders and builders use the
// table.
var table = map[string]*Op{}

func init() {
	families := [][]Op{unaryOps(), binaryOps(), compareOps(), reduceOps(), moveOps(),
		indexOps(), matmulOps(), convOps(), poolOps(), lossOps(), randomOps(), phaseOps(),
		pieceOps(), alongOps(), averageOps()}
	for _, rows := range families {
		for _, row := range rows {
			table[row.Name] = &row
		}
	}
}

// Lookup returns the row of that name, nil when there is none. The ops of
// leaves (ir.OpInput and so on) are no rows.
func Lookup(name string) *Op { return table[name] }

// All returns all rows, sorted by name.
func All() []*Op {
	rows := make([]*Op, 0, len(table))
	for _, row := range table {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b *Op) int { return cmp.Compare(a.Name, b.Name) })
	return rows
}

// Infer returns the type and shape that a value of this op must have, from its
// operands and attributes; the error is an *Error.
func (o *Op) Infer(v *ir.Value) (ir.DType, ir.Shape, error) {
	if err := o.checkForm(v); err != nil {
		return 0, nil, err
	}
	dtype, shape, err := o.Shape(v)
	if err != nil {
		return 0, nil, err
	}
	if err := shape.Check(); err != nil {
		return 0, nil, fail(v, BadResult, "the result's "+err.Error(), "reduce, reshape or split an operand first")
	}
	return dtype, shape, nil
}

// build makes a value and panics with *Error when its operands do not fit.
func build(name string, attrs ir.Attrs, in ...*ir.Value) *ir.Value {
	v := &ir.Value{Op: name, In: in, Attrs: attrs}
	dtype, shape, err := table[name].Infer(v)
	if err != nil {
		panic(err)
	}
	v.DType, v.Shape = dtype, shape
	return v
}
