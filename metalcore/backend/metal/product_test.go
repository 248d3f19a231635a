package metal

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/fake"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// tensor is numbers in a shape.
type tensor struct {
	shape []int
	v     []float64
}

func zeros(shape []int) tensor {
	return tensor{shape, make([]float64, ir.Shape(shape).Elems())}
}

// random has quarters, which all types have exactly.
func random(r *rand.Rand, shape []int) tensor {
	t := zeros(shape)
	for i := range t.v {
		t.v[i] = float64(r.IntN(17)-8) / 4
	}
	return t
}

func (t tensor) at(i ...int) *float64 {
	n := 0
	for k, d := range t.shape {
		n = n*d + i[k]
	}
	return &t.v[n]
}

// matmulReference is the definition, for operands of three axes.
func matmulReference(a, b tensor, ta, tb bool, out []int) tensor {
	y := zeros(out)
	inner := a.shape[2]
	if ta {
		inner = a.shape[1]
	}
	pick := func(t tensor, i, row, column int, turned bool) float64 {
		if turned {
			row, column = column, row
		}
		return *t.at(i%t.shape[0], row, column)
	}
	for i := range out[0] {
		for row := range out[1] {
			for column := range out[2] {
				for k := range inner {
					*y.at(i, row, column) += pick(a, i, row, k, ta) * pick(b, i, k, column, tb)
				}
			}
		}
	}
	return y
}

// convReference computes one of the three from the others.
func convReference(s gpu.ProductSpec, a, b tensor) tensor {
	y := zeros(s.Out)
	var image, kernel, result tensor
	switch s.Op {
	case "conv2d":
		image, kernel, result = a, b, y
	case "conv2d_grad_input":
		result, kernel, image = a, b, y
	case "conv2d_grad_kernel":
		image, result, kernel = a, b, y
	}
	perGroup := result.shape[3] / s.Groups
	for n := range result.shape[0] {
		for i := range result.shape[1] {
			for j := range result.shape[2] {
				for o := range result.shape[3] {
					for p := range kernel.shape[0] {
						for q := range kernel.shape[1] {
							row, column := i*s.Stride[0]+p*s.Dilation[0]-s.Pad[0], j*s.Stride[1]+q*s.Dilation[1]-s.Pad[2]
							if row < 0 || row >= image.shape[1] || column < 0 || column >= image.shape[2] {
								continue
							}
							for c := range kernel.shape[2] {
								x, k, r := image.at(n, row, column, o/perGroup*kernel.shape[2]+c), kernel.at(p, q, c, o), result.at(n, i, j, o)
								switch s.Op {
								case "conv2d":
									*r += *x * *k
								case "conv2d_grad_input":
									*x += *r * *k
								default:
									*k += *r * *x
								}
							}
						}
					}
				}
			}
		}
	}
	return y
}

func encodeTensor(t tensor, dtype string) []byte {
	if dtype == "f32" {
		v := make([]float32, len(t.v))
		for i, x := range t.v {
			v[i] = float32(x)
		}
		return bytesOf(v)
	}
	v := make([]uint16, len(t.v))
	for i, x := range t.v {
		v[i] = ir.ToF16(float32(x))
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 2*len(v))
}

func decodeTensor(b []byte, shape []int, dtype string) tensor {
	t := zeros(shape)
	for i := range t.v {
		if dtype == "f32" {
			t.v[i] = float64(*(*float32)(unsafe.Pointer(&b[4*i])))
		} else {
			t.v[i] = float64(ir.FromF16(*(*uint16)(unsafe.Pointer(&b[2*i]))))
		}
	}
	return t
}

// runProduct computes a product of random operands that lie at the given offset
// of their memory, which is one for all as in an arena, or one for each.
func runProduct(t *testing.T, d *Driver, s gpu.ProductSpec, offset int64, arena bool) (a, b, y tensor) {
	t.Helper()
	p, err := d.Product(s)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Free()
	r := rand.New(rand.NewPCG(1, 2))
	a, b = random(r, s.In[0]), random(r, s.In[1])
	var spans []gpu.Span
	var all gpu.Memory
	if arena {
		all = alloc(t, d, 1<<20)
	}
	for _, x := range []tensor{a, b, zeros(s.Out)} {
		data := encodeTensor(x, s.DType)
		span := gpu.Span{Memory: all, Offset: offset}
		if arena {
			offset += aligned(int64(len(data)))
		} else {
			span.Memory = alloc(t, d, max(offset+int64(len(data)), smallBytes+1))
		}
		if err := span.Memory.Upload(span.Offset, data); err != nil {
			t.Fatal(err)
		}
		spans = append(spans, span)
	}
	if err := execute(d, func(r gpu.Recording) { r.Run(p, spans[:2], spans[2]) }); err != nil {
		t.Fatal(err)
	}
	out := encodeTensor(zeros(s.Out), s.DType)
	if err := spans[2].Memory.Download(spans[2].Offset, out); err != nil {
		t.Fatal(err)
	}
	return a, b, decodeTensor(out, s.Out, s.DType)
}

func compare(t *testing.T, got, want tensor, dtype string) {
	t.Helper()
	tolerance := map[string]float64{"f32": 1e-5, "f16": 2e-3}[dtype]
	for i := range want.v {
		if math.Abs(got.v[i]-want.v[i]) > tolerance*math.Max(1, math.Abs(want.v[i])) {
			t.Fatalf("element %d is %v, not %v", i, got.v[i], want.v[i])
		}
	}
}

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

// convolutions are the shapes of the tests, of which each has its three ops.
var convolutions = []struct {
	x, k                  []int
	stride, dilation, pad []int
	groups                int
}{
	{[]int{2, 6, 5, 3}, []int{3, 3, 3, 4}, []int{1, 1}, []int{1, 1}, []int{0, 0, 0, 0}, 1},
	{[]int{1, 9, 8, 4}, []int{3, 2, 4, 6}, []int{2, 3}, []int{1, 1}, []int{1, 1, 0, 1}, 1},
	{[]int{2, 9, 9, 2}, []int{3, 3, 2, 4}, []int{1, 2}, []int{2, 3}, []int{2, 1, 3, 0}, 1},
	{[]int{2, 5, 5, 6}, []int{3, 3, 2, 9}, []int{1, 1}, []int{1, 1}, []int{1, 1, 1, 1}, 3},
	{[]int{1, 7, 7, 4}, []int{3, 3, 1, 8}, []int{2, 2}, []int{1, 1}, []int{1, 0, 1, 0}, 4}, // depthwise
	{[]int{3, 4, 4, 5}, []int{1, 1, 5, 2}, []int{1, 1}, []int{1, 1}, []int{0, 0, 0, 0}, 1},
}

func specs(dtype string) []gpu.ProductSpec {
	var out []gpu.ProductSpec
	for _, c := range convolutions {
		y := []int{c.x[0], 0, 0, c.k[3]}
		for i := range 2 {
			y[1+i] = (c.x[1+i]+c.pad[2*i]+c.pad[2*i+1]-(c.k[i]-1)*c.dilation[i]-1)/c.stride[i] + 1
		}
		s := gpu.ProductSpec{DType: dtype, Stride: c.stride, Dilation: c.dilation, Pad: c.pad, Groups: c.groups}
		for _, v := range []struct {
			op  string
			in  [][]int
			out []int
		}{{"conv2d", [][]int{c.x, c.k}, y}, {"conv2d_grad_input", [][]int{y, c.k}, c.x}, {"conv2d_grad_kernel", [][]int{c.x, y}, c.k}} {
			s.Op, s.In, s.Out = v.op, v.in, v.out
			out = append(out, s)
		}
	}
	return out
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
