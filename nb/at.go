package nb

import (
	"slices"
	"strconv"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// At takes a part of the tensor, as brackets do in NumPy. Each argument is for
// one axis, and a string may hold several, separated by commas:
//
//	a number               one element; the axis goes away
//	"1:4", ":-1", "::2"    the elements from a start up to, but without, a limit
//	"::-1"                 by a step; a negative one goes backwards
//	":"                    all of them, as for the axes that are not named
//	"..."                  as many axes as the others leave over
//	"newaxis"              a new axis of size 1
//	a tensor of indices    those it names; its axes take the place of this one
//	a mask, alone          where it is true, as Masked does
//
// Several tensors of indices must stand side by side, and broadcast: they
// choose together.
//
//	x.At(0)              // the first row
//	x.At("1:3, ::-1")    // two rows, backwards
//	x.At("..., newaxis") // one more axis
//	x.At(rows, cols)     // the elements (rows[i], cols[i])
func (t *Tensor) At(index ...any) *Tensor {
	if len(index) == 1 {
		if mask, ok := index[0].(*Tensor); ok && mask.v.DType == ir.Bool {
			return t.Masked(mask)
		}
	}
	c := &cutter{t: t, from: []*Tensor{t}}
	picks := c.picks(index)
	return apply("at", c.from, func() *ir.Value { return c.cut(picks) })
}

// pick is what At takes of one axis.
type pick struct {
	start, limit, step int // the elements, forwards; step < 0 turns them after
	drop               bool
	fresh              bool // a new axis, of none
	index              *Tensor
}

// cutter is one call of At.
type cutter struct {
	t    *Tensor
	from []*Tensor // t and the tensors of indices
}

func (c *cutter) wrong(item any) {
	argument(`use numbers, ranges like "1:4" or "::2", "...", "newaxis" and tensors of indices`, "at: %v is no index", item)
}

// picks reads the arguments and gives every axis its pick.
func (c *cutter) picks(index []any) []pick {
	var items []any
	for _, x := range index {
		s, ok := x.(string)
		if !ok {
			items = append(items, x)
			continue
		}
		for part := range strings.SplitSeq(s, ",") {
			items = append(items, strings.TrimSpace(part))
		}
	}
	named := 0
	for _, x := range items {
		if x != "..." && x != "newaxis" {
			named++
		}
	}
	rest := len(c.t.v.Shape) - named
	if rest < 0 {
		argument("name at most one index for each axis", "at: %d indices for %s", named, c.t.v.Type())
	}
	if !slices.Contains(items, any("...")) {
		items = append(items, "...")
	}
	var out []pick
	axis := 0
	for _, x := range items {
		switch x {
		case "newaxis":
			out = append(out, pick{fresh: true})
		case "...":
			for range rest {
				out = append(out, c.whole(axis))
				axis++
			}
			rest = 0
		default:
			out = append(out, c.pick(x, axis))
			axis++
		}
	}
	return out
}

func (c *cutter) whole(axis int) pick { return pick{limit: c.t.v.Shape[axis], step: 1} }

// pick reads one argument.
func (c *cutter) pick(x any, axis int) pick {
	d := c.t.v.Shape[axis]
	switch x := x.(type) {
	case *Tensor:
		x.within("at", c.t.v, d)
		p := c.whole(axis)
		p.index = x
		c.from = append(c.from, x)
		return p
	case int:
		return c.element(x, axis)
	case int32:
		return c.element(int(x), axis)
	case int64:
		return c.element(int(x), axis)
	case string:
		if i, err := strconv.Atoi(x); err == nil {
			return c.element(i, axis)
		}
		return c.span(x, axis)
	}
	c.wrong(x)
	return pick{}
}

func (c *cutter) element(i, axis int) pick {
	d := c.t.v.Shape[axis]
	if d < 0 {
		argument("cut the other axes only", "at: axis %d of %s depends on the batch and is cut", axis, c.t.v.Type())
	}
	if i < -d || i >= d {
		argument("indices count from 0, or from -1 back", "at: index %d is outside axis %d of %s", i, axis, c.t.v.Type())
	}
	i = (i + d) % d
	return pick{start: i, limit: i + 1, step: 1, drop: true}
}

// span reads start:limit:step, as Python does: what is outside is cut off.
func (c *cutter) span(s string, axis int) pick {
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 {
		c.wrong(strconv.Quote(s))
	}
	var at [3]int
	var given [3]bool
	for i, p := range parts {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		n, err := strconv.Atoi(p)
		if err != nil || i == 2 && n == 0 {
			c.wrong(strconv.Quote(s))
		}
		at[i], given[i] = n, true
	}
	step, d := 1, c.t.v.Shape[axis]
	if given[2] {
		step = at[2]
	}
	if d < 0 {
		if given[0] || given[1] || step != 1 {
			argument("cut the other axes only", "at: axis %d of %s depends on the batch and is cut", axis, c.t.v.Type())
		}
		return c.whole(axis)
	}
	return walked(at, given, step, d)
}

// walked makes a pick of start, limit and step over an axis of size d. Steps
// backwards visit the same elements as steps forwards from the last one.
func walked(at [3]int, given [3]bool, step, d int) pick {
	least, most := 0, d
	start, limit := 0, d
	if step < 0 {
		least, most = -1, d-1
		start, limit = d-1, -1
	}
	place := func(i int) int {
		if i < 0 {
			i += d
		}
		return min(max(i, least), most)
	}
	if given[0] {
		start = place(at[0])
	}
	if given[1] {
		limit = place(at[1])
	}
	if step > 0 {
		return pick{start: start, limit: max(start, limit), step: step}
	}
	n := max(0, (start-limit-step-1)/-step)
	if n == 0 {
		return pick{step: 1}
	}
	return pick{start: start + (n-1)*step, limit: start + 1, step: step}
}

// cut applies the picks: ranges, then turns, then indices, then the axes that
// come and go.
func (c *cutter) cut(picks []pick) *ir.Value {
	start, limit, stride := []int{}, []int{}, []int{}
	var turn []int
	for _, p := range picks {
		if p.fresh {
			continue
		}
		if p.step < 0 {
			turn = append(turn, len(start))
		}
		start, limit, stride = append(start, p.start), append(limit, p.limit), append(stride, max(p.step, -p.step))
	}
	v := op.Slice(c.t.v, start, limit, stride)
	for _, axis := range turn {
		v = reverse(v, axis)
	}
	var shape ir.Shape
	axis, first := 0, -1
	var indices []*Tensor
	for _, p := range picks {
		switch {
		case p.fresh:
			shape = append(shape, 1)
			continue
		case p.index != nil:
			if first < 0 {
				first = len(shape)
			}
			if len(indices) > 0 && first+len(indices) != len(shape) {
				argument("put them side by side, with Transpose before", "at: tensors of indices are apart")
			}
			indices = append(indices, p.index)
			shape = append(shape, v.Shape[axis])
		case !p.drop:
			shape = append(shape, v.Shape[axis])
		}
		axis++
	}
	v = op.Reshape(v, shape)
	if len(indices) == 0 {
		return v
	}
	return choose(v, indices, first)
}

// choose gathers by indices of several axes from first on: they become one.
func choose(v *ir.Value, indices []*Tensor, first int) *ir.Value {
	at := counted(indices[0], v.Shape[first])
	n := v.Shape[first]
	for i, x := range indices[1:] {
		d := v.Shape[first+1+i]
		at = op.Add(op.Mul(at, ir.Const(float64(d), ir.I32)), counted(x, d))
		n *= d
	}
	shape := slices.Concat(v.Shape[:first], ir.Shape{n}, v.Shape[first+len(indices):])
	return takeAxis(op.Reshape(v, shape), at, first)
}
