//go:build linux

package metal

import (
	"fmt"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/fake"
)

func TestMatmul(t *testing.T) {
	d := open(t, Options{})
	three := func(shape []int) []int {
		out := []int{1, shape[len(shape)-2], shape[len(shape)-1]}
		for _, n := range shape[:len(shape)-2] {
			out[0] *= n
		}
		return out
	}
	for _, sizes := range [][3][]int{{{}, {}, {}}, {{3}, {3}, {3}}, {{2, 3}, {2, 3}, {2, 3}}, {{2, 3}, {}, {2, 3}}} {
		for _, dtype := range []string{"f32", "f16"} {
			for turned := range 4 {
				s := gpu.ProductSpec{Op: "matmul", DType: dtype, TransA: turned&1 != 0, TransB: turned&2 != 0}
				shape := func(lead []int, rows, columns int, turned bool) []int {
					if turned {
						rows, columns = columns, rows
					}
					return append(append([]int{}, lead...), rows, columns)
				}
				s.In = [][]int{shape(sizes[0], 5, 7, s.TransA), shape(sizes[1], 7, 4, s.TransB)}
				s.Out = shape(sizes[2], 5, 4, false)
				if len(sizes[1]) < len(sizes[0]) && s.TransA {
					continue
				}
				a, b, y := runProduct(t, d, s, 256*int64(turned), turned == 3)
				a.shape, b.shape, y.shape = three(a.shape), three(b.shape), three(y.shape)
				compare(t, y, matmulReference(a, b, s.TransA, s.TransB, y.shape), dtype)
			}
		}
	}
}

func TestConvolution(t *testing.T) {
	for name, version := range systems {
		for _, swap := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s, swap %d", name, swap), func(t *testing.T) {
				d := open(t, Options{}, "macos", version, "swap", swap)
				for i, s := range append(specs("f32"), specs("f16")...) {
					a, b, y := runProduct(t, d, s, int64(i%3)*512, i%2 == 0)
					compare(t, y, convReference(s, a, b), s.DType)
				}
			})
		}
	}
}

// TestProductsAmongDispatches runs kernels before, between and after products,
// each of which takes what the one before it made.
func TestProductsAmongDispatches(t *testing.T) {
	for _, swap := range []int{0, 1} {
		d := open(t, Options{Diagnose: swap == 1}, "swap", swap, "order", 3)
		p := build(t, d, "double")[0]
		mm, err := d.Product(gpu.ProductSpec{Op: "matmul", DType: "f32", In: [][]int{{1, 1}, {1, 1}}, Out: []int{1, 1}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(mm.Free)
		conv, err := d.Product(gpu.ProductSpec{Op: "conv2d", DType: "f32", In: [][]int{{1, 1, 1, 1}, {1, 1, 1, 1}}, Out: []int{1, 1, 1, 1},
			Stride: []int{1, 1}, Dilation: []int{1, 1}, Pad: []int{0, 0, 0, 0}, Groups: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conv.Free)
		m := alloc(t, d, 64)
		at := func(i int) gpu.Span { return gpu.Span{Memory: m, Offset: int64(4 * i)} }
		upload(t, m, 0, []float32{3})
		err = execute(d, func(r gpu.Recording) {
			r.Dispatch(dispatch(p, 1, at(0))) // 6
			r.Barrier()
			r.Run(mm, []gpu.Span{at(0), at(0)}, at(1)) // 36
			r.Barrier()
			r.Dispatch(dispatch(p, 1, at(1))) // 72
			r.Barrier()
			r.Run(conv, []gpu.Span{at(1), at(0)}, at(2)) // 432
			r.Barrier()
			r.Run(conv, []gpu.Span{at(2), at(0)}, at(3)) // 2592
			r.Barrier()
			r.Dispatch(dispatch(p, 1, at(3)))
			mm.Free() // in flight
			conv.Free()
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := download(t, m, 12, 1)[0]; got != 5184 {
			t.Errorf("swap %d: %v", swap, got)
		}
	}
}

func TestProductRefused(t *testing.T) {
	d := open(t, Options{}, "maxBuffer", 1<<20)
	good := specs("f32")[0]
	for why, change := range map[string]func(s *gpu.ProductSpec){
		"no such product of bf16":          func(s *gpu.ProductSpec) { s.DType = "bf16" },
		"there is no such product":         func(s *gpu.ProductSpec) { s.Op = "fft" },
		"1 operands":                       func(s *gpu.ProductSpec) { s.In = s.In[:1] },
		"the shape [0 6 5 3]":              func(s *gpu.ProductSpec) { s.In[0] = []int{0, 6, 5, 3} },
		"larger than a buffer":             func(s *gpu.ProductSpec) { s.In[0] = []int{1 << 40, 1 << 40, 5, 3} },
		"have four axes":                   func(s *gpu.ProductSpec) { s.In[0] = []int{6, 5, 3} },
		"in 2 groups does not make":        func(s *gpu.ProductSpec) { s.Groups = 2 },
		"at least 1, pads":                 func(s *gpu.ProductSpec) { s.Stride = []int{0, 1} },
		"kernel [3 3 3 4] does not make":   func(s *gpu.ProductSpec) { s.Pad = []int{1, 1, 1, 1} },
		"less than two axes":               func(s *gpu.ProductSpec) { s.Op, s.In, s.Out = "matmul", [][]int{{3}, {3}}, []int{1} },
		"2 x 3 times 4 x 5 is not 2 x 5":   func(s *gpu.ProductSpec) { s.Op, s.In, s.Out = "matmul", [][]int{{2, 3}, {4, 5}}, []int{2, 5} },
		"of other batches than the result": func(s *gpu.ProductSpec) { s.Op, s.In, s.Out = "matmul", [][]int{{2, 3}, {7, 3, 5}}, []int{7, 2, 5} },
	} {
		s := good
		s.In = append([][]int{}, good.In...)
		change(&s)
		p, err := d.Product(s)
		if err == nil || p != nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
	fake.Fault("graph", 0, 1)
	if _, err := d.Product(good); err == nil || !strings.Contains(err.Error(), "does not compile it") {
		t.Error(err)
	}
	fake.Fault("mps", 0, 1)
	if _, err := d.Product(gpu.ProductSpec{Op: "matmul", DType: "f32", In: [][]int{{2, 2}, {2, 2}}, Out: []int{2, 2}}); err == nil || !strings.Contains(err.Error(), "refuses it") {
		t.Error(err)
	}
	if s := d.Stats(); s.Products != 0 {
		t.Errorf("%+v", s)
	}
}

// TestProductFails lets the system give nothing, before and after MPSGraph has
// committed a command buffer of its own.
func TestProductFails(t *testing.T) {
	for _, swap := range []int{0, 1} {
		d := open(t, Options{}, "macos", 13, "swap", swap)
		s := specs("f32")[0]
		p, err := d.Product(s)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Free)
		k := build(t, d, "double")[0]
		m := alloc(t, d, 1<<20)
		span := func(i int) gpu.Span { return gpu.Span{Memory: m, Offset: int64(i)<<16 + 256} }
		work := func(r gpu.Recording) {
			r.Dispatch(dispatch(k, 1, span(0)))
			r.Barrier()
			r.Run(p, []gpu.Span{span(0), span(1)}, span(2))
			r.Barrier()
			r.Dispatch(dispatch(k, 1, span(2)))
		}
		fake.Fault("encoder", 1, 1)
		wantRunError(t, execute(d, work), "", "no encoder")
		for i := range 3 { // the copies of the operands, and that of the result
			fake.Fault("alloc", i, 1)
			wantRunError(t, execute(d, work), "", "the system has no buffer")
		}
		fake.Fault("alloc", 0, 0)
		for i := range 3 {
			fake.Fault("blit", i, 1)
			wantRunError(t, execute(d, work), "", "no encoder")
		}
		fake.Fault("commit", 0, 1)
		wantRunError(t, execute(d, work), "", "Timeout")
		if err := execute(d, work); err != nil {
			t.Error(err)
		}
	}
}
