package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// contractions are products and convolutions that are large enough to be cut
// into blocks, passes and bands, and some of random shapes.
func contractions() []*ir.Value {
	var all []*ir.Value
	matmul := func(batch, m, k, n int, ta, tb bool) {
		a, b := ir.Shape{m, k}, ir.Shape{k, n}
		if ta {
			a = ir.Shape{k, m}
		}
		if tb {
			b = ir.Shape{n, k}
		}
		if batch > 1 {
			a, b = append(ir.Shape{batch}, a...), append(ir.Shape{batch}, b...)
		}
		all = append(all, op.MatMul(ir.Input("a", ir.F32, a...), ir.Input("b", ir.F32, b...), ta, tb))
	}
	conv := func(n, h, w, c, kh, kw, o int, spec op.ConvSpec) {
		x, k := ir.Input("x", ir.F32, n, h, w, c), ir.Input("k", ir.F32, kh, kw, c, o)
		y := op.Conv2D(x, k, spec)
		g := ir.Input("g", ir.F32, y.Shape...)
		all = append(all, y, op.Conv2DGradInput(g, k, x.Shape, spec), op.Conv2DGradKernel(x, g, k.Shape, spec))
	}
	for _, t := range []struct{ ta, tb bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		matmul(1, 40, 1100, 70, t.ta, t.tb)
		matmul(1, 64, 256, 256, t.ta, t.tb) // lines that are powers of two
		matmul(5, 33, 20, 47, t.ta, t.tb)
	}
	matmul(1, 400, 800, 20, false, false) // two blocks of rows, each of two passes
	same := op.ConvSpec{Pad: []int{1, 1, 1, 1}}
	conv(3, 28, 28, 1, 3, 3, 16, same)
	conv(2, 50, 50, 18, 3, 3, 10, same) // bands
	conv(9, 9, 9, 5, 1, 1, 33, op.ConvSpec{})
	r := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		matmul(1+r.IntN(2), 1+r.IntN(90), 1+r.IntN(90), 1+r.IntN(90), r.IntN(2) == 0, r.IntN(2) == 0)
		conv(1+r.IntN(10), 7+r.IntN(12), 7+r.IntN(12), 1+r.IntN(20), 1+r.IntN(3), 1+r.IntN(3), 1+r.IntN(40), op.ConvSpec{
			Stride: []int{1 + r.IntN(3), 1 + r.IntN(3)}, Pad: []int{r.IntN(3), r.IntN(3), r.IntN(3), r.IntN(3)},
			Dilation: []int{1 + r.IntN(2), 1 + r.IntN(2)}})
	}
	return all
}

// TestVariantsAgree holds all kernels against the plain ones, and the results of
// several threads against those of one, bit by bit.
func TestVariantsAgree(t *testing.T) {
	for _, v := range contractions() {
		want := computed(t, asm.Go, 1, v)
		for _, variant := range asm.Supported() {
			one := want
			if variant > asm.Go {
				one = computed(t, variant, 1, v)
			}
			for i, x := range one {
				if e := math.Abs(float64(x - want[i])); !(e < 1e-4) {
					t.Errorf("%s of %v with %s: element %d is %v, and %v in plain Go", describe(v), v.Shape, variant, i, x, want[i])
					break
				}
			}
			for i, x := range computed(t, variant, 3, v) {
				if math.Float32bits(x) != math.Float32bits(one[i]) {
					t.Errorf("%s with %s: element %d is %v on three threads, and %v on one", describe(v), variant, i, x, one[i])
					break
				}
			}
		}
	}
}

func describe(v *ir.Value) string {
	return fmt.Sprint(v.Op, " of ", v.In[0].Shape, " and ", v.In[1].Shape, " ", v.Attrs)
}

// computed is the result of a value with inputs that are fixed numbers.
func computed(t *testing.T, variant asm.Variant, threads int, v *ir.Value) []float32 {
	t.Helper()
	return computedBy(t, newDevice(threads, variant), nil, v)
}

// TestEpilogues holds bias, ReLU and what follows, computed with a product,
// against the same computed after it.
func TestEpilogues(t *testing.T) {
	for _, variant := range asm.Supported() {
		for _, shape := range []struct{ m, k, n int }{{30, 40, 50}, {3, 1600, 37}, {8, 0, 9}} {
			d := newDevice(2, variant)
			x, w := ir.Input("a", ir.F32, shape.m, shape.k), ir.Input("b", ir.F32, shape.k, shape.n)
			bias := ir.Input("bias", ir.F32, shape.n)
			product := op.MatMul(x, w, false, false)
			g := ir.NewGraph("epilogue", []ir.Output{{Name: "y", Value: op.ReLU(op.Add(product, bias))}, {Name: "z", Value: product}}, nil)
			p, err := plan.New(g)
			if err != nil {
				t.Fatal(err)
			}
			exe, b := load(t, d, p)
			if err := exe.Submit(b, 1).Wait(); err != nil {
				t.Fatal(err)
			}
			want := *b.Outputs[0].(*buffer).data.Load()
			c := &compiler{ids: map[*ir.Value]int{}, pool: d.pool}
			fr := frame{pool: d.pool, local: make([][]float32, 2), vals: make([][]float32, 4)}
			for i, v := range []*ir.Value{x, w, bias, product} {
				c.ids[v] = i
			}
			for i, v := range p.Inputs {
				fr.vals[c.ids[v]] = *b.Inputs[i].(*buffer).data.Load()
			}
			fr.vals[3] = make([]float32, shape.m*shape.n)
			prod := newMatMul(c, product)
			at := 2
			prod.after = epilogue{bias: &at, relu: true, finish: func(fr *frame, _ int, b block) {
				for i := range b.rows {
					for j := range b.cols {
						fr.vals[3][(b.row+i)*shape.n+b.col+j] *= 2
					}
				}
			}}
			k := prod.kernel(c)
			for i := range fr.local {
				fr.local[i] = make([]float32, c.local+32)
			}
			k(&fr)
			for i, got := range fr.vals[3] {
				if got != 2*want[i] {
					t.Fatalf("%s, %v: element %d is %v, want %v", variant, shape, i, got, 2*want[i])
				}
			}
			d.Close()
		}
	}
}
