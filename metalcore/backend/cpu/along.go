package cpu

import (
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() {
	register(map[string]maker{
		"cumsum": func(c *compiler, v *ir.Value) (kernel, error) {
			return ofType(v.DType, cumSum[float32, float64], cumSum[int32, int32], cumSum[int64, int64], nil)(c, v), nil
		},
		"take_along": func(c *compiler, v *ir.Value) (kernel, error) {
			make := ofSize(v.DType, takeAlong[uint8], takeAlong[uint16], takeAlong[uint32], takeAlong[uint64])
			return make(c, v), numbered(v.In[0].Shape[v.Int("axis")])
		},
		"add_along": func(c *compiler, v *ir.Value) (kernel, error) {
			return ofType(v.DType, addAlong[float32], addAlong[int32], addAlong[int64], nil)(c, v), numbered(v.Int("n"))
		},
		"argsort": func(c *compiler, v *ir.Value) (kernel, error) {
			return ofType(v.In[0].DType, argSort[float32], argSort[int32], argSort[int64], argSort[uint8])(c, v), nil
		},
	})
}

// lines splits a shape along an axis: outer parts of size elements that lie
// inner apart, and inner lines beside each other.
func lines(s ir.Shape, axis int) (outer, size, inner int) {
	return s[:axis].Elems(), s[axis], s[axis+1:].Elems()
}

// cumSum computes line after line; floats are summed in float64.
func cumSum[T number, A number | float64](c *compiler, v *ir.Value) kernel {
	outer, size, inner := lines(v.Shape, v.Int("axis"))
	dst, src, reverse := c.id(v), c.id(v.In[0]), v.Bool("reverse")
	part := func(fr *frame, _, lo, hi int) {
		d, x := view[T](fr, dst), view[T](fr, src)
		for r := lo; r < hi; r++ {
			at, step := r/inner*inner*size+r%inner, inner
			if reverse {
				at, step = at+(size-1)*inner, -inner
			}
			var sum A
			for range size {
				sum += A(x[at])
				d[at] = T(sum)
				at += step
			}
		}
	}
	grain := max(1, cheapGrain/max(1, size))
	return func(fr *frame) { fr.pool.run(fr, outer*inner, grain, part) }
}

func takeAlong[T uint8 | uint16 | uint32 | uint64](c *compiler, v *ir.Value) kernel {
	outer, size, inner := lines(v.Shape, v.Int("axis"))
	n := v.In[0].Shape[v.Int("axis")]
	dst, src, idx := c.id(v), c.id(v.In[0]), c.id(v.In[1])
	part := func(fr *frame, _, lo, hi int) {
		d, x, index := view[T](fr, dst), view[T](fr, src), view[int32](fr, idx)
		for at := lo * inner; at < hi*inner; {
			table := x[at/(size*inner)*n*inner:]
			for i := range inner {
				d[at] = table[clampIndex(index[at], n)*inner+i]
				at++
			}
		}
	}
	grain := max(1, cheapGrain/max(1, inner))
	return func(fr *frame) { fr.pool.run(fr, outer*size, grain, part) }
}

// addAlong shares the parts before the axis among the workers, so that elements
// are added in the index's order.
func addAlong[T number](c *compiler, v *ir.Value) kernel {
	outer, size, inner := lines(v.In[0].Shape, v.Int("axis"))
	n := v.Int("n")
	dst, idx, src := c.id(v), c.id(v.In[0]), c.id(v.In[1])
	part := func(fr *frame, _, lo, hi int) {
		d, x, index := view[T](fr, dst), view[T](fr, src), view[int32](fr, idx)
		clear(d[lo*n*inner : hi*n*inner])
		at := lo * size * inner
		for o := lo; o < hi; o++ {
			sums := d[o*n*inner : (o+1)*n*inner]
			for range size {
				for i := range inner {
					sums[clampIndex(index[at], n)*inner+i] += x[at]
					at++
				}
			}
		}
	}
	grain := max(1, cheapGrain/max(1, (size+n)*inner))
	return func(fr *frame) { fr.pool.run(fr, outer, grain, part) }
}

// argSort sorts line after line in a worker's own memory.
func argSort[T number](c *compiler, v *ir.Value) kernel {
	outer, size, inner := lines(v.Shape, v.Int("axis"))
	dst, src, descending := c.id(v), c.id(v.In[0]), v.Bool("descending")
	c.need(0, 2*size)
	part := func(fr *frame, worker, lo, hi int) {
		d, x := view[int32](fr, dst), view[T](fr, src)
		local := fr.local[worker]
		room := unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(local))), len(local))
		for r := lo; r < hi; r++ {
			first := r/inner*inner*size + r%inner
			l := sortLine[T]{x: x[first:], step: inner, descending: descending}
			for i, e := range l.sort(room[:size], room[size:2*size]) {
				d[first+i*inner] = e
			}
		}
	}
	grain := max(1, costlyGrain/max(1, size))
	return func(fr *frame) { fr.pool.run(fr, outer*inner, grain, part) }
}

// sortLine is a line of elements that lie step apart.
type sortLine[T number] struct {
	x          []T
	step       int
	descending bool
}

// before reports whether element i must stand before j. NaN is the largest.
func (l *sortLine[T]) before(i, j int32) bool {
	a, b := l.x[int(i)*l.step], l.x[int(j)*l.step]
	if l.descending {
		a, b = b, a
	}
	return a < b || a == a && b != b
}

// sort merges runs of twice the length until one is left, and returns which of
// the two rooms has it.
func (l *sortLine[T]) sort(from, to []int32) []int32 {
	for i := range from {
		from[i] = int32(i)
	}
	n := len(from)
	for run := 1; run < n; run *= 2 {
		for lo := 0; lo < n; lo += 2 * run {
			l.merge(to[lo:min(lo+2*run, n)], from[lo:min(lo+run, n)], from[min(lo+run, n):min(lo+2*run, n)])
		}
		from, to = to, from
	}
	return from
}

// merge takes of equal elements those of a first.
func (l *sortLine[T]) merge(to, a, b []int32) {
	for i := range to {
		if len(b) == 0 || len(a) > 0 && !l.before(b[0], a[0]) {
			to[i], a = a[0], a[1:]
		} else {
			to[i], b = b[0], b[1:]
		}
	}
}
