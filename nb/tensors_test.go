package nb_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/nb"
)

type tensors = []*nb.Tensor

// one and two make functions of tensors of methods and functions.
func one(f func(*nb.Tensor) *nb.Tensor) func(tensors) tensors {
	return func(in tensors) tensors { return tensors{f(in[0])} }
}

func two(f func(a *nb.Tensor, b any) *nb.Tensor) func(tensors) tensors {
	return func(in tensors) tensors { return tensors{f(in[0], in[1])} }
}

// folded are reductions, of which the name says the axes.
func folded(f func(t *nb.Tensor, axes ...int) *nb.Tensor) func(tensors, []int) tensors {
	return func(in tensors, axes []int) tensors { return tensors{f(in[0], axes...)} }
}

// along are functions with numbers, which the name has behind that of the function.
var along = map[string]func(in tensors, n []int) tensors{
	"sum": folded((*nb.Tensor).Sum), "mean": folded((*nb.Tensor).Mean), "max": folded((*nb.Tensor).Max), "min": folded((*nb.Tensor).Min),
	"prod": folded((*nb.Tensor).Prod), "var": folded((*nb.Tensor).Var), "std": folded((*nb.Tensor).Std), "norm": folded((*nb.Tensor).Norm),
	"logsumexp": folded((*nb.Tensor).LogSumExp), "any": folded((*nb.Tensor).Any), "all": folded((*nb.Tensor).All),
	"argmax": folded((*nb.Tensor).ArgMax), "argmin": folded((*nb.Tensor).ArgMin), "flip": folded((*nb.Tensor).Flip),
	"tile": folded((*nb.Tensor).Tile), "squeeze": folded((*nb.Tensor).Squeeze), "broadcast": folded((*nb.Tensor).BroadcastTo),
	"reshape": folded((*nb.Tensor).Reshape),

	"topk":    func(in tensors, n []int) tensors { v, i := in[0].TopK(n[0], -1); return tensors{v, i} },
	"cumsum":  func(in tensors, n []int) tensors { return tensors{in[0].CumSum(n[0])} },
	"cumprod": func(in tensors, n []int) tensors { return tensors{in[0].CumProd(n[0])} },
	"concat":  func(in tensors, n []int) tensors { return tensors{nb.Concat(n[0], in...)} },
	"stack":   func(in tensors, n []int) tensors { return tensors{nb.Stack(n[0], in...)} },
	"split":   func(in tensors, n []int) tensors { return in[0].Split(n[0], 1)[1:2] },
	"repeat":  func(in tensors, n []int) tensors { return tensors{in[0].Repeat(n[0], n[1])} },
	"roll":    func(in tensors, n []int) tensors { return tensors{in[0].Roll(n[0], n[1])} },
	"tril":    func(in tensors, n []int) tensors { return tensors{in[0].Tril(n[0])} },
	"triu":    func(in tensors, n []int) tensors { return tensors{in[0].Triu(n[0])} },

	"swapaxes":   func(in tensors, n []int) tensors { return tensors{in[0].SwapAxes(n[0], n[1])} },
	"expanddims": func(in tensors, n []int) tensors { return tensors{in[0].ExpandDims(n[0])} },
	"pad":        func(in tensors, n []int) tensors { return tensors{in[0].Pad(1, 1, 2, 7)} },
	"take":       func(in tensors, n []int) tensors { return tensors{in[0].Take(in[1], n[0])} },
	"takealong":  func(in tensors, n []int) tensors { return tensors{in[0].TakeAlong(in[1], n[0])} },
	"irfft":      func(in tensors, n []int) tensors { return tensors{nb.IRFFT(in[0], in[1], n[0])} },
	"onehot":     func(in tensors, n []int) tensors { return tensors{in[0].OneHot(n[0])} },
}

// exactly are functions by their whole names.
var exactly = map[string]func(tensors) tensors{
	"add": two((*nb.Tensor).Add), "sub": two((*nb.Tensor).Sub), "mul": two((*nb.Tensor).Mul), "div": two((*nb.Tensor).Div),
	"maximum": two((*nb.Tensor).Maximum), "minimum": two((*nb.Tensor).Minimum), "pow": two((*nb.Tensor).Pow),
	"floordiv": two((*nb.Tensor).FloorDiv), "mod": two((*nb.Tensor).Mod),
	"eq": two((*nb.Tensor).Eq), "ne": two((*nb.Tensor).Ne), "lt": two((*nb.Tensor).Lt), "le": two((*nb.Tensor).Le),
	"gt": two((*nb.Tensor).Gt), "ge": two((*nb.Tensor).Ge), "and": two((*nb.Tensor).And), "or": two((*nb.Tensor).Or),
	"not": one((*nb.Tensor).Not), "isnan": one((*nb.Tensor).IsNaN), "isfinite": one((*nb.Tensor).IsFinite),
	"where":        func(in tensors) tensors { return tensors{in[0].Gt(in[1]).Where(in[0].Mul(2), in[1])} },
	"where number": one(func(t *nb.Tensor) *nb.Tensor { return t.Gt(0).Where(t, -3) }),
	"clip":         one(func(t *nb.Tensor) *nb.Tensor { return t.Clip(-1, 1.5) }),
	"number":       one(func(t *nb.Tensor) *nb.Tensor { return t.Neg().Add(2).Mul(3).Add(0.5) }),
	"neg":          one((*nb.Tensor).Neg), "abs": one((*nb.Tensor).Abs), "sign": one((*nb.Tensor).Sign), "square": one((*nb.Tensor).Square),
	"exp": one((*nb.Tensor).Exp), "expm1": one((*nb.Tensor).Expm1), "erf": one((*nb.Tensor).Erf), "sin": one((*nb.Tensor).Sin),
	"cos": one((*nb.Tensor).Cos), "tan": one((*nb.Tensor).Tan), "sinh": one((*nb.Tensor).Sinh), "cosh": one((*nb.Tensor).Cosh),
	"floor": one((*nb.Tensor).Floor), "ceil": one((*nb.Tensor).Ceil), "round": one((*nb.Tensor).Round), "trunc": one((*nb.Tensor).Trunc),
	"asin": one((*nb.Tensor).Asin), "acos": one((*nb.Tensor).Acos), "atan": one((*nb.Tensor).Atan), "atan2": two((*nb.Tensor).Atan2),
	"tanh": one((*nb.Tensor).Tanh), "sigmoid": one((*nb.Tensor).Sigmoid), "relu": one((*nb.Tensor).ReLU),
	"log": one((*nb.Tensor).Log), "log1p": one((*nb.Tensor).Log1p), "log2": one((*nb.Tensor).Log2), "log10": one((*nb.Tensor).Log10),
	"sqrt": one((*nb.Tensor).Sqrt), "rsqrt": one((*nb.Tensor).Rsqrt),
	"masked":      one(func(t *nb.Tensor) *nb.Tensor { return t.Masked(t.Gt(0)) }),
	"at mask":     one(func(t *nb.Tensor) *nb.Tensor { return t.At(t.Gt(0)) }),
	"masked rows": one(func(t *nb.Tensor) *nb.Tensor { return t.Masked(t.At(":, 0").Gt(0)) }),
	"masked none": one(func(t *nb.Tensor) *nb.Tensor { return t.Masked(t.Gt(99)) }),
	"nonzero":     one((*nb.Tensor).NonZero), "diag": one((*nb.Tensor).Diag), "diagonal": one((*nb.Tensor).Diagonal), "trace": one((*nb.Tensor).Trace),
	"matmul": func(in tensors) tensors { return tensors{in[0].MatMul(in[1])} },
	"outer":  func(in tensors) tensors { return tensors{in[0].Outer(in[1])} },

	"at index":    func(in tensors) tensors { return tensors{in[0].At(":", in[1], "1:")} },
	"at two":      func(in tensors) tensors { return tensors{in[0].At(in[1], in[2])} },
	"at two last": func(in tensors) tensors { return tensors{in[0].At("1:3", in[1], in[2])} },
}

// decomposed are functions of linear algebra. Signs of vectors are free, so that
// they are compared without.
var decomposed = map[string]func(tensors) tensors{
	"inv": one((*nb.Tensor).Inv), "det": one((*nb.Tensor).Det), "cholesky": one((*nb.Tensor).Cholesky),
	"pinv": one((*nb.Tensor).PInv), "expm": one((*nb.Tensor).Expm), "matrix_rank": one((*nb.Tensor).MatrixRank),
	"solve":   func(in tensors) tensors { return tensors{in[0].Solve(in[1])} },
	"lstsq":   func(in tensors) tensors { return tensors{in[0].LstSq(in[1])} },
	"slogdet": func(in tensors) tensors { sign, log := in[0].SlogDet(); return tensors{log, sign} },
	"qr":      func(in tensors) tensors { q, r := in[0].QR(); return tensors{q.Abs(), r.Abs()} },
	"qr r":    func(in tensors) tensors { _, r := in[0].QR(); return tensors{r.Abs()} },
	"svd":     func(in tensors) tensors { _, s, _ := in[0].SVD(); return tensors{s} },
	"svd u":   func(in tensors) tensors { u, _, _ := in[0].SVD(); return tensors{u.Abs()} },
	"svd vt":  func(in tensors) tensors { _, _, vt := in[0].SVD(); return tensors{vt.Abs()} },
	"eigh":    func(in tensors) tensors { w, v := in[0].Eigh(); return tensors{w, v.Abs()} },
	"eig": func(in tensors) tensors {
		re, im, _, _ := in[0].Eig()
		return tensors{re.Sort(-1), im.Sort(-1)}
	},
	"eigh vectors": func(in tensors) tensors { _, v := in[0].Eigh(); return tensors{v.Abs()} },
	"fft":          func(in tensors) tensors { return pair(nb.FFT(in[0], in[1])) },
	"fft real":     func(in tensors) tensors { return pair(nb.FFT(in[0], nil)) },
	"ifft":         func(in tensors) tensors { return pair(nb.IFFT(in[0], in[1])) },
	"rfft":         func(in tensors) tensors { return pair(in[0].RFFT()) },
	"fft2":         func(in tensors) tensors { return pair(nb.FFT2(in[0], in[1])) },
	"ifft2":        func(in tensors) tensors { return pair(nb.IFFT2(in[0], in[1])) },
}

func pair(re, im *nb.Tensor) tensors { return tensors{re, im} }

// function builds what a case is called.
func function(t *testing.T, name string) func(tensors) tensors {
	t.Helper()
	for _, table := range []map[string]func(tensors) tensors{exactly, decomposed} {
		if f := table[name]; f != nil {
			return f
		}
	}
	kind, rest, _ := strings.Cut(name, " ")
	switch kind {
	case "at":
		return func(in tensors) tensors { return tensors{in[0].At(rest)} }
	case "einsum":
		return func(in tensors) tensors { return tensors{nb.Einsum(rest, in...)} }
	case "sort":
		desc, axis, _ := strings.Cut(rest, " ")
		n, _ := strconv.Atoi(axis)
		return func(in tensors) tensors {
			if desc == "True" {
				return tensors{in[0].SortDescending(n), in[0].ArgSortDescending(n)}
			}
			return tensors{in[0].Sort(n), in[0].ArgSort(n)}
		}
	}
	var numbers []int
	for _, s := range strings.Fields(rest) {
		if n, err := strconv.Atoi(s); err == nil {
			numbers = append(numbers, n)
		} else if s != "all" {
			t.Fatalf("%s: %q is no number", name, s)
		}
	}
	f := along[kind]
	if f == nil {
		t.Fatalf("no function of the name %q", name)
	}
	return func(in tensors) tensors { return f(in, numbers) }
}

// refTensor is an array as testdata/tensors.py writes it.
type refTensor struct {
	T string
	S []int
	D []any
}

func (r refTensor) numbers(t *testing.T) []float64 {
	out := make([]float64, len(r.D))
	for i, x := range r.D {
		switch x := x.(type) {
		case float64:
			out[i] = x
		case string:
			var err error
			if out[i], err = strconv.ParseFloat(x, 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}

func (r refTensor) tensor(t *testing.T) *nb.Tensor {
	x := nb.Array(r.numbers(t))
	if len(r.D) == 0 {
		x = nb.Zeros(0)
	}
	if r.T == "i32" {
		x = nb.Array(x.Values()).Int()
	}
	return x.Reshape(r.S...)
}

func (r refTensor) holds(t *testing.T, what string, got *nb.Tensor, slack float64) {
	t.Helper()
	if !slices.Equal(got.Shape(), r.S) {
		t.Errorf("%s has shape %v, PyTorch's %v", what, got.Shape(), r.S)
		return
	}
	if (got.DType() == "f32") != (r.T == "f32") {
		t.Errorf("%s is %s, PyTorch's is %s", what, got.DType(), r.T)
	}
	want := r.numbers(t)
	for i, x := range got.Values() {
		w := want[i]
		if x == w || math.IsNaN(x) && math.IsNaN(w) || math.Abs(x-w) <= slack*(2e-6+2e-5*math.Abs(w)) {
			continue
		}
		t.Errorf("%s: element %d is %v, PyTorch has %v", what, i, x, w)
		return
	}
}

type refCase struct {
	Name    string
	In, Out []refTensor
	Grad    []refTensor // for the inputs that are floats
	Second  []refTensor
}

// TestTensorsAgreeWithPyTorch: values, shapes and gradients.
func TestTensorsAgreeWithPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/tensors.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []refCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, c := range cases {
		kind, _, _ := strings.Cut(c.Name, " ")
		used[kind], used[c.Name] = true, true
		t.Run(c.Name, func(t *testing.T) { c.check(t) })
	}
	for name := range along {
		if !used[name] {
			t.Errorf("no case for %s", name)
		}
	}
	maps.Copy(exactly, decomposed)
	for name := range exactly {
		if !used[name] {
			t.Errorf("no case for %s", name)
		}
	}
}

func (c refCase) check(t *testing.T) {
	f := function(t, c.Name)
	var in, floats tensors
	for _, x := range c.In {
		in = append(in, x.tensor(t))
		if x.T == "f32" {
			floats = append(floats, in[len(in)-1])
		}
	}
	err := nb.Try(func() {
		out := f(in)
		nb.Eval(out...)
		for i, want := range c.Out {
			want.holds(t, fmt.Sprint("result ", i), out[i], 1)
		}
		if c.Grad == nil {
			return
		}
		loss := func(xs ...*nb.Tensor) *nb.Tensor {
			args, next := slices.Clone(in), 0
			for i, x := range c.In {
				if x.T == "f32" {
					args[i] = xs[next]
					next++
				}
			}
			return weighted(f(args)[0])
		}
		compare := func(what string, f func(...*nb.Tensor) *nb.Tensor, want []refTensor, slack float64) {
			_, grads := nb.ValueAndGrad(f)(floats...)
			nb.Eval(grads...)
			for i, w := range want {
				w.holds(t, fmt.Sprint(what, i), grads[i], slack)
			}
		}
		compare("gradient ", loss, c.Grad, 1)
		if c.Second == nil {
			return
		}
		compare("second gradient ", func(xs ...*nb.Tensor) *nb.Tensor {
			_, grads := nb.ValueAndGrad(loss)(xs...)
			sum := nb.Zeros()
			for _, g := range grads {
				sum = sum.Add(g.Sum())
			}
			return sum
		}, c.Second, 10)
	})
	if err != nil {
		t.Error(err)
	}
}

// weighted is the sum of the elements times 1, 2, 3, ... / elements.
func weighted(y *nb.Tensor) *nb.Tensor {
	n := len(y.Values())
	return nb.Arange(1, n+1).Float().Div(n).Reshape(y.Shape()...).Mul(y).Sum()
}
