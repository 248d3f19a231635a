package metal

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
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
