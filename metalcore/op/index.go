package op

import (
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Gather takes rows of a table [N, rest...] by index [idx...] (i32, i64 or u8); the result
// is [idx..., rest...]. An index outside 0..N-1 takes the nearest row.
func Gather(table, index *ir.Value) *ir.Value { return build("gather", nil, table, index) }

// ScatterAdd adds rows [M..., rest...] into n rows of zeros, each at the place
// that index [M...] (i32, i64 or u8) names; the result is [n, rest...]. An index outside
// 0..n-1 goes to the nearest row, so that it is the gradient of Gather.
func ScatterAdd(index, rows *ir.Value, n int) *ir.Value {
	return build("scatter_add", ir.Attrs{"n": n}, index, rows)
}

func indexOps() []Op {
	return []Op{
		{Name: "gather", Doc: "table[clamp(index, 0, N-1)]", Class: Index, Arity: 2,
			Shape: gatherShape, Grad: func(v, g *ir.Value) []*ir.Value {
				return []*ir.Value{ScatterAdd(v.In[1], g, v.In[0].Shape[0]), nil}
			}},
		{Name: "scatter_add", Doc: `y[clamp(index, 0, "n"-1)] += rows, y = 0 before`, Class: Index, Arity: 2,
			Attrs: []Attr{{"n", IntAttr}}, Shape: scatterShape, Grad: func(v, g *ir.Value) []*ir.Value {
				return []*ir.Value{nil, Gather(g, v.In[0])}
			}},
	}
}

func gatherShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	table, index := v.In[0], v.In[1]
	if err := wantIndex(v, 1); err != nil {
		return 0, nil, err
	}
	if len(table.Shape) == 0 {
		return 0, nil, fail(v, BadRank, "the table is a scalar", "give it an axis of rows")
	}
	if err := wantChoice(v, 0); err != nil {
		return 0, nil, err
	}
	return table.DType, slices.Concat(index.Shape, table.Shape[1:]), nil
}

func scatterShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	index, rows, n := v.In[0], v.In[1], v.Int("n")
	if err := wantIndex(v, 0); err != nil {
		return 0, nil, err
	}
	if err := wantTotals(v, 1); err != nil {
		return 0, nil, err
	}
	lead := len(index.Shape)
	if len(rows.Shape) < lead || !index.Shape.Equal(rows.Shape[:lead]) {
		return 0, nil, fail(v, SizesDiffer, fmt.Sprintf("the rows do not begin with the axes %s of the index", index.Shape),
			"give one row for each index")
	}
	if err := wantPlaces(v); err != nil {
		return 0, nil, err
	}
	return rows.DType, slices.Concat(ir.Shape{n}, rows.Shape[lead:]), nil
}

// wantChoice fails where an index, operand 2, chooses from an empty axis.
func wantChoice(v *ir.Value, axis int) error {
	if v.In[1].Shape.Elems() == 0 {
		return nil
	}
	return wantFilled(v, axis)
}

// wantPlaces fails where an index, operand 1, has no place among "n".
func wantPlaces(v *ir.Value) error {
	n := v.Int("n")
	if n == 0 && v.In[0].Shape.Elems() != 0 || n > ir.MaxElems || n < -ir.MaxElems {
		return fail(v, BadAttr, fmt.Sprintf("n is %d", n), "use at least one row")
	}
	return nil
}
