package cpu

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() {
	register(map[string]maker{
		"reduce_sum": func(c *compiler, v *ir.Value) (kernel, error) {
			switch v.DType {
			case ir.I32:
				return reduction(c, v, integerFolder[int32]())
			case ir.I64:
				return reduction(c, v, integerFolder[int64]())
			}
			return sum(c, v, 1)
		},
		"reduce_mean": func(c *compiler, v *ir.Value) (kernel, error) {
			return sum(c, v, float64(reduced(v)))
		},
		"reduce_max": func(c *compiler, v *ir.Value) (kernel, error) {
			if v.DType != ir.F32 {
				return ofType(v.DType, nil, largest[int32], largest[int64], largest[uint8])(c, v)
			}
			f := maxFolder[float32]()
			f.rows = vec.MaxRows
			return reduction(c, v, f)
		},
		"argmax": makeArgMax,
	})
}

// folder says how elements T are folded into an accumulator A. Floats are
// summed in float64.
type folder[T number, A number | float64] struct {
	first bool // the first element starts the accumulator, not zero
	add   func(acc A, x T) A
	row   func(x []T) A // of a dense, not empty row
	end   func(acc A) T

	// Faster ways, if there are any: for dense rows of n elements, one after the
	// other, and for neighbouring columns of rows that are stride elements apart.
	rows    func(v asm.Variant, d, x []T, n int)
	columns func(v asm.Variant, d, x []T, rows, stride int)
}

// sum is that of floats, divided by a number.
func sum(c *compiler, v *ir.Value, divisor float64) (kernel, error) {
	f := sumFolder(divisor)
	if k, ok := partialSum(c, v, f); ok {
		return k, nil
	}
	return reduction(c, v, f)
}

// larger gives NaN when an operand is NaN.
func larger[T number](a, b T) T { return max(a, b) }

func same[T number](x T) T { return x }

// sumFolder is the sum divided by n.
func sumFolder(n float64) folder[float32, float64] {
	return folder[float32, float64]{
		add:     func(s float64, x float32) float64 { return s + float64(x) },
		row:     sumFloat,
		end:     func(s float64) float32 { return float32(s / n) },
		rows:    func(v asm.Variant, d, x []float32, each int) { vec.SumRows(v, d, x, each, n) },
		columns: func(v asm.Variant, d, x []float32, rows, stride int) { vec.SumColumns(v, d, x, rows, stride, n) },
	}
}

func integerFolder[T int32 | int64]() folder[T, T] {
	return folder[T, T]{add: func(s, x T) T { return s + x }, row: sumIntegers[T], end: same[T]}
}

func largest[T number](c *compiler, v *ir.Value) (kernel, error) {
	return reduction(c, v, maxFolder[T]())
}

func maxFolder[T number]() folder[T, T] {
	return folder[T, T]{first: true, add: larger[T], end: same[T], row: func(x []T) T {
		m := x[0]
		for _, a := range x[1:] {
			m = max(m, a)
		}
		return m
	}}
}

// sumFloat keeps four sums, so that an addition does not wait for the last.
func sumFloat(x []float32) float64 {
	var a, b, c, d float64
	for ; len(x) >= 4; x = x[4:] {
		a += float64(x[0])
		b += float64(x[1])
		c += float64(x[2])
		d += float64(x[3])
	}
	for _, e := range x {
		a += float64(e)
	}
	return (a + b) + (c + d)
}

func sumIntegers[T int32 | int64](x []T) T {
	var s T
	for _, a := range x {
		s += a
	}
	return s
}

// reduced is the number of elements that make one of the result.
func reduced(v *ir.Value) int {
	n := 1
	for _, axis := range v.Ints("axes") {
		n *= v.In[0].Shape[axis]
	}
	return n
}

// axes splits an operand's axes into those that stay and those that are folded.
// Both are layouts over the operand.
func axes(v *ir.Value) (stay, fold *layout, err error) {
	in := v.In[0].Shape
	all := strides(in, len(in))
	var dims, steps [2][]int
	for i, d := range in {
		which := 0
		if slices.Contains(v.Ints("axes"), i) {
			which = 1
		}
		dims[which], steps[which] = append(dims[which], d), append(steps[which], all[i])
	}
	if stay, err = newLayout(dims[0], steps[0]); err != nil {
		return nil, nil, err
	}
	fold, err = newLayout(dims[1], steps[1])
	return stay, fold, err
}

// columns is how many results are folded side by side, when they are
// neighbours in memory.
const columns = 128

// reduction folds dense rows one after the other, and where the results are
// neighbours instead, many of them at the same time.
func reduction[T number, A number | float64](c *compiler, v *ir.Value, f folder[T, A]) (kernel, error) {
	stay, fold, err := axes(v)
	if err != nil {
		return nil, err
	}
	dst, src, n, each := c.id(v), c.id(v.In[0]), v.Shape.Elems(), reduced(v)
	grain := max(1, cheapGrain/max(each, 1))
	part := foldRows(f, stay, fold, dst, src, each)
	if each > 1 && fold.stride[0][0] != 1 && stay.stride[0][0] == 1 && stay.dims[0] > 1 {
		part = foldColumns(f, stay, fold, dst, src, each)
	}
	return func(fr *frame) { fr.pool.run(fr, n, grain, part) }, nil
}

// foldRows computes one result after the other.
func foldRows[T number, A number | float64](f folder[T, A], stay, fold *layout, dst, src, each int) body {
	dense := fold.rank == 1 && fold.stride[0][0] == 1
	if dense && each > 0 && f.rows != nil && stay.rank == 1 && (stay.dims[0] == 1 || stay.stride[0][0] == each) {
		return func(fr *frame, _, lo, hi int) {
			f.rows(fr.pool.variant, view[T](fr, dst)[lo:hi], view[T](fr, src)[lo*each:hi*each], each)
		}
	}
	return func(fr *frame, _, lo, hi int) {
		d, x := view[T](fr, dst), view[T](fr, src)
		for r := lo; r < hi; r++ {
			at := stay.seek(r)
			start := at.off[0]
			switch {
			case each == 0:
				d[r] = 0
			case dense:
				d[r] = f.end(f.row(x[start : start+each]))
			default:
				d[r] = f.end(foldStrided(f, fold, x, start, each))
			}
		}
	}
}

func foldStrided[T number, A number | float64](f folder[T, A], fold *layout, x []T, start, n int) A {
	var acc A
	if f.first {
		acc = A(x[start])
	}
	step := fold.stride[0][0]
	for at := fold.seek(0); n > 0; at.nextRow() {
		i := start + at.off[0]
		for range at.left() {
			acc = f.add(acc, x[i])
			i += step
		}
		n -= at.left()
	}
	return acc
}

// foldColumns folds neighbouring results together, row by row of the operand.
func foldColumns[T number, A number | float64](f folder[T, A], stay, fold *layout, dst, src, each int) body {
	if f.columns != nil && fold.rank == 1 {
		return func(fr *frame, _, lo, hi int) {
			d, x := view[T](fr, dst), view[T](fr, src)
			for lo < hi {
				to := stay.seek(lo)
				k := min(to.left(), hi-lo)
				f.columns(fr.pool.variant, d[lo:lo+k], x[to.off[0]:], each, fold.stride[0][0])
				lo += k
			}
		}
	}
	return func(fr *frame, _, lo, hi int) {
		d, x := view[T](fr, dst), view[T](fr, src)
		var acc [columns]A
		for lo < hi {
			to := stay.seek(lo)
			k := min(to.left(), hi-lo, columns)
			start := to.off[0]
			for j := range acc[:k] {
				acc[j] = 0
				if f.first {
					acc[j] = A(x[start+j])
				}
			}
			step, left := fold.stride[0][0], each
			for at := fold.seek(0); left > 0; at.nextRow() {
				i := start + at.off[0]
				for range at.left() {
					for j, e := range x[i : i+k] {
						acc[j] = f.add(acc[j], e)
					}
					i += step
				}
				left -= at.left()
			}
			for j, a := range acc[:k] {
				d[lo+j] = f.end(a)
			}
			lo += k
		}
	}
}

func makeArgMax(c *compiler, v *ir.Value) (kernel, error) {
	return ofType(v.In[0].DType, argMax[float32], argMax[int32], argMax[int64], argMax[uint8])(c, v), nil
}

// argMax keeps the first of equals, and takes no NaN if it can.
func argMax[T number](c *compiler, v *ir.Value) kernel {
	in, axis := v.In[0].Shape, v.Int("axis")
	size, inner := in[axis], in[axis+1:].Elems()
	dst, src, n := c.id(v), c.id(v.In[0]), v.Shape.Elems()
	part := func(fr *frame, _, lo, hi int) {
		d, x := view[int32](fr, dst), view[T](fr, src)
		for r := lo; r < hi; r++ {
			at := r/inner*inner*size + r%inner
			best, index := x[at], 0
			for i := 1; i < size; i++ {
				at += inner
				if a := x[at]; a > best || best != best && a == a {
					best, index = a, i
				}
			}
			d[r] = int32(index)
		}
	}
	if inner == 1 && v.In[0].DType == ir.F32 {
		part = func(fr *frame, _, lo, hi int) {
			vec.ArgmaxRows(fr.pool.variant, view[int32](fr, dst)[lo:hi], fr.vals[src][lo*size:hi*size], size)
		}
	}
	return func(fr *frame) { fr.pool.run(fr, n, max(1, cheapGrain/size), part) }
}
