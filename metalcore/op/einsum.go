package op

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Einsum is Einstein's sum, as in NumPy: each letter of the specification names
// an axis, axes of one letter are walked together, and those that the result
// does not name are summed.
//
//	Einsum("ij,jk->ik", a, b)        // a matrix product
//	Einsum("...ij,...jk", a, b)      // many of them
//	Einsum("ii->i", a)               // a diagonal
//
// Without an arrow the result has the letters that occur once, in alphabetical
// order, behind the axes that the dots stand for. Those broadcast; axes of one
// letter have one size. Two operands at a time, from the left, become a matrix
// product.
func Einsum(spec string, in ...*ir.Value) *ir.Value {
	e := &einsum{err: &ir.Value{Op: "einsum", In: in}, sizes: map[int]int{}}
	if slices.Contains(in, nil) {
		e.fail(BadArity, "an operand is nil", "pass a value")
	}
	terms, result := e.parse(spec)
	for i, x := range in {
		terms[i].v = x
		e.measure(&terms[i])
	}
	for i := range terms {
		e.squeeze(&terms[i])
		e.diagonal(&terms[i])
	}
	all := terms[0]
	for i, next := range terms[1:] {
		keep := slices.Clone(result)
		for _, later := range terms[i+2:] {
			keep = append(keep, later.axes...)
		}
		all = e.product(all, next, keep)
	}
	all = all.sumBut(result)
	return all.ordered(result).v
}

// einsum is one call: what an error says of its operands, and the size of each
// axis by its letter. The axes that the dots stand for are -1 for the last one,
// -2 for that before, and so on.
type einsum struct {
	err   *ir.Value
	sizes map[int]int
}

// term is a value whose axes have letters.
type term struct {
	v    *ir.Value
	axes []int
}

func (e *einsum) fail(code Code, why, remedy string) {
	panic(fail(e.err, code, why, remedy))
}

// parse reads the specification. The dots of each term become as many axes as
// its operand has more than letters.
func (e *einsum) parse(spec string) (terms []term, result []int) {
	spec = strings.ReplaceAll(spec, " ", "")
	left, right, arrow := strings.Cut(spec, "->")
	parts := strings.Split(left, ",")
	if len(parts) != len(e.err.In) {
		e.fail(BadArity, fmt.Sprintf("%q is for %d operands, and there are %d", spec, len(parts), len(e.err.In)), "name the axes of each operand")
	}
	dots := 0
	for i, part := range parts {
		letters := e.letters(part)
		extra := rank(e.err.In[i]) - (len(letters) - strings.Count(part, "..."))
		if extra < 0 || extra > 0 && !strings.Contains(part, "...") {
			e.fail(BadRank, fmt.Sprintf("%q names the axes of operand %d, which has %d", part, i+1, rank(e.err.In[i])), "use one letter for each axis, or dots for the rest")
		}
		terms = append(terms, term{axes: spread(letters, extra)})
		dots = max(dots, extra)
	}
	if !arrow {
		return terms, once(terms, dots)
	}
	letters := e.letters(right)
	if dots > 0 && !slices.Contains(letters, 0) {
		e.fail(BadAttr, fmt.Sprintf("%q has dots on the left only", spec), "write them on the right, too")
	}
	result = spread(letters, dots)
	for i, a := range result {
		if slices.Contains(result[:i], a) || a >= 0 && !slices.ContainsFunc(terms, func(t term) bool { return slices.Contains(t.axes, a) }) {
			e.fail(BadAttr, fmt.Sprintf("the result's axis %c of %q is there twice, or is no operand's", rune(a), spec), "name axes of the operands, each once")
		}
	}
	return terms, result
}

// letters are the letters of a part; 0 stands for the dots.
func (e *einsum) letters(part string) (out []int) {
	other := func(r rune) bool { return !unicode.IsLetter(r) }
	if strings.ContainsFunc(strings.Replace(part, "...", "", 1), other) {
		e.fail(BadAttr, fmt.Sprintf("%q is no name of axes", part), `use letters and "...", like "...ij,jk->...ik"`)
	}
	for _, r := range strings.Replace(part, "...", "\x00", 1) {
		out = append(out, int(r))
	}
	return out
}

// spread puts n axes in the place of the dots.
func spread(letters []int, n int) (out []int) {
	for _, a := range letters {
		if a != 0 {
			out = append(out, a)
			continue
		}
		for i := range n {
			out = append(out, i-n)
		}
	}
	return out
}

// once are the axes of a result that is not written: the dots, and the letters
// that occur once.
func once(terms []term, dots int) (out []int) {
	count := map[int]int{}
	for _, t := range terms {
		for _, a := range t.axes {
			count[a]++
		}
	}
	for a, n := range count {
		if n == 1 && a >= 0 {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	return slices.Concat(spread([]int{0}, dots), out)
}

// measure notes the size of each axis and fails where two differ.
func (e *einsum) measure(t *term) {
	for i, a := range t.axes {
		d := t.v.Shape[i]
		have, ok := e.sizes[a]
		switch {
		case !ok || a < 0 && have == 1:
			e.sizes[a] = d
		case have == d || a < 0 && d == 1:
		case a < 0:
			e.fail(BadBroadcast, fmt.Sprintf("the dots stand for axes of sizes %s and %s", dim(have), dim(d)), "make them equal, or one of them 1")
		default:
			e.fail(SizesDiffer, fmt.Sprintf("axis %c has the sizes %s and %s", rune(a), dim(have), dim(d)), "axes of one letter have one size")
		}
	}
}

// squeeze drops axes of size 1 that other operands have longer: the product
// repeats them.
func (e *einsum) squeeze(t *term) {
	var axes []int
	shape := ir.Shape{}
	for i, a := range t.axes {
		if d := t.v.Shape[i]; d == e.sizes[a] {
			axes, shape = append(axes, a), append(shape, d)
		}
	}
	t.v, t.axes = Reshape(t.v, shape), axes
}

// diagonal makes one axis of two that have the same letter: with both behind
// and in a row, its elements lie n+1 apart.
func (e *einsum) diagonal(t *term) {
	for i := 0; i < len(t.axes); i++ {
		j := i + 1 + slices.Index(t.axes[i+1:], t.axes[i])
		if j == i {
			continue
		}
		var order []int
		for k := range t.axes {
			if k != i && k != j {
				order = append(order, k)
			}
		}
		n := t.v.Shape[i]
		if n < 0 {
			e.fail(BadAttr, fmt.Sprintf("axis %c, which is there twice, depends on the batch", rune(t.axes[i])), "use another letter")
		}
		x := Transpose(t.v, append(order, i, j)...)
		lead := x.Shape[:len(order)]
		x = Reshape(x, append(slices.Clone(lead), n*n))
		start, stride := make([]int, len(x.Shape)), make([]int, len(x.Shape))
		for k := range stride {
			stride[k] = 1
		}
		stride[len(order)] = n + 1
		a := t.axes[i]
		t.v, t.axes = Slice(x, start, x.Shape, stride), append(pick(t.axes, order), a)
		i = -1
	}
}

func pick(axes, order []int) (out []int) {
	for _, i := range order {
		out = append(out, axes[i])
	}
	return out
}

// sumBut sums the axes that are not in keep.
func (t term) sumBut(keep []int) term {
	var gone, axes []int
	for i, a := range t.axes {
		if slices.Contains(keep, a) {
			axes = append(axes, a)
		} else {
			gone = append(gone, i)
		}
	}
	if len(gone) > 0 {
		t.v = Sum(t.v, false, gone...)
	}
	return term{t.v, axes}
}

// ordered puts the axes in another order.
func (t term) ordered(axes []int) term {
	if slices.Equal(t.axes, axes) {
		return t
	}
	perm := make([]int, len(axes))
	for i, a := range axes {
		perm[i] = slices.Index(t.axes, a)
	}
	return term{Transpose(t.v, perm...), axes}
}

// product multiplies two terms and sums the axes that keep does not name.
func (e *einsum) product(a, b term, keep []int) term {
	a, b = a.sumBut(slices.Concat(keep, b.axes)), b.sumBut(slices.Concat(keep, a.axes))
	var batch, rows, inner, cols []int
	for _, x := range a.axes {
		switch {
		case !slices.Contains(b.axes, x):
			rows = append(rows, x)
		case slices.Contains(keep, x):
			batch = append(batch, x)
		default:
			inner = append(inner, x)
		}
	}
	for _, x := range b.axes {
		if !slices.Contains(a.axes, x) {
			cols = append(cols, x)
		}
	}
	out := term{axes: slices.Concat(batch, rows, cols)}
	if len(inner) > 0 && a.v.DType.Float() && b.v.DType == a.v.DType {
		x := a.ordered(slices.Concat(batch, rows, inner)).v
		y := b.ordered(slices.Concat(batch, inner, cols)).v
		x, y = Reshape(x, e.folded(batch, rows, inner)), Reshape(y, e.folded(batch, inner, cols))
		out.v = Reshape(MatMul(x, y, false, false), e.shape(out.axes))
		return out
	}
	full := slices.Concat(batch, rows, inner, cols)
	out = term{Mul(e.aligned(a, full), e.aligned(b, full)), full}
	return out.sumBut(out.axesWithout(inner))
}

func (t term) axesWithout(gone []int) (out []int) {
	for _, a := range t.axes {
		if !slices.Contains(gone, a) {
			out = append(out, a)
		}
	}
	return out
}

// shape is the size of each axis.
func (e *einsum) shape(axes []int) ir.Shape {
	out := ir.Shape{}
	for _, a := range axes {
		out = append(out, e.sizes[a])
	}
	return out
}

// folded makes one axis of each group; a group of none in front is left out.
func (e *einsum) folded(batch, rows, cols []int) ir.Shape {
	out := ir.Shape{e.shape(rows).Elems(), e.shape(cols).Elems()}
	if len(batch) > 0 {
		out = append(ir.Shape{e.shape(batch).Elems()}, out...)
	}
	return out
}

// aligned gives a term all the axes; those that it has not have size 1.
func (e *einsum) aligned(t term, axes []int) *ir.Value {
	var own []int
	shape := ir.Shape{}
	for _, a := range axes {
		if slices.Contains(t.axes, a) {
			own, shape = append(own, a), append(shape, e.sizes[a])
		} else {
			shape = append(shape, 1)
		}
	}
	return Reshape(t.ordered(own).v, shape)
}
