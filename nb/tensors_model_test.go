package nb

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// TestTensorsInModels: what is computed of a batch that is not known yet is what
// is computed of arrays.
func TestTensorsInModels(t *testing.T) {
	dev := cpu.New(1)
	defer dev.Close()
	x := Normal(1, 3, 4, 5)
	for name, f := range map[string]func(x *Tensor) *Tensor{
		"at":        func(x *Tensor) *Tensor { return x.At(":, 1:, ::-2") },
		"index":     func(x *Tensor) *Tensor { return x.At(":", Arange(3, -1, -2), "newaxis, 0") },
		"last":      func(x *Tensor) *Tensor { return x.At("..., -1") },
		"take":      func(x *Tensor) *Tensor { return x.Take(Arange(2), -1) },
		"mean":      func(x *Tensor) *Tensor { return x.Sub(x.Mean(1).ExpandDims(1)).Div(x.Std(1).ExpandDims(1)) },
		"logsumexp": func(x *Tensor) *Tensor { return x.LogSumExp(-1) },
		"norm":      func(x *Tensor) *Tensor { return x.Norm(1, 2) },
		"sort":      func(x *Tensor) *Tensor { return x.Sort(-1).CumSum(-1).CumProd(1) },
		"topk":      func(x *Tensor) *Tensor { v, i := x.TopK(2, -1); return v.Add(i) },
		"matmul":    func(x *Tensor) *Tensor { return x.MatMul(x.SwapAxes(1, 2)).MatMul(Ones(4)) },
		"einsum":    func(x *Tensor) *Tensor { return Einsum("bij,bkj,k->bi", x, x, fractions(4)) },
		"dots":      func(x *Tensor) *Tensor { return Einsum("...ij->...ji", x) },
		"flat":      func(x *Tensor) *Tensor { return Einsum("bij,bij->b", x, x).ExpandDims(-1) },
		"pieces":    func(x *Tensor) *Tensor { return Stack(1, x.Roll(1, 2), x.Flip(1)).Tile(1, 2, 1, 1).Repeat(2, -1) },
		"triangle":  func(x *Tensor) *Tensor { return x.Tril(0).Add(x.Gt(0).Where(1, x.Triu(1))) },
		"reshape":   func(x *Tensor) *Tensor { return x.Mul(x).ExpandDims(2).Squeeze(2) },
		"fourier":   func(x *Tensor) *Tensor { re, im := x.RFFT(); return re.Square().Add(im.Square()) },
		"back":      func(x *Tensor) *Tensor { re, im := FFT(x, nil); re, im = IFFT(re, im); return re.Add(im) },
		"gradient":  func(x *Tensor) *Tensor { return Grad(func(x *Tensor) *Tensor { return x.Sin().Mul(x).Sum() })(x) },
	} {
		g, err := ir.Parse(modelText(name, f(Input(4, 5))))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := f(x)
		got := run(t, dev, g.Bind(3), map[string][]float64{"x": x.Values()})["y"]
		if err := near(got, want.Values()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s := g.Output("y").Shape.Bind(3); !s.Equal(want.v.Shape) {
			t.Errorf("%s has shape %s, of arrays %s", name, s, want.v.Shape)
		}
	}
}

// fractions is a vector that a model may hold: it is computed of counting.
func fractions(n int) *Tensor { return Arange(n).Div(n) }

// TestProductsOfTypes: halves stay halves, and small integers count without
// overflow.
func TestProductsOfTypes(t *testing.T) {
	for in, want := range map[string]string{F32: F32, F16: F16, BF16: BF16, I32: I32, I64: I64, U8: I64, Bool: I64} {
		x := Ones(2, 300).Cast(in)
		y := Einsum("ij,kj->ik", x, x)
		if y.DType() != want || y.At(1, 0).Item() != 300 {
			t.Errorf("of %s it is %s %v", in, y.DType(), y)
		}
		if z := x.MatMul(x.Transpose()); z.At(0, 1).Item() != 300 {
			t.Errorf("the product of %s is %v", in, z)
		}
	}
	if d := Eye(3).Gt(0).Diagonal(); d.DType() != Bool || d.All().Item() != 1 {
		t.Errorf("the diagonal is %v", d)
	}
}
