package conformance

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// sizes has empty, single, odd, prime and large axes, and every rank up to 5.
var sizes = []ir.Shape{
	{}, {1}, {0}, {3}, {7}, {64}, {1009}, {70000}, {5, 0}, {1, 1}, {3, 1}, {1, 3}, {13, 17}, {130, 259},
	{2, 3, 5}, {1, 4, 1}, {2, 1, 3, 2}, {2, 3, 1, 2, 2},
}

func f32(name string, shape ...int) *ir.Value { return ir.Input(name, ir.F32, shape...) }
func i32(name string, shape ...int) *ir.Value { return ir.Input(name, ir.I32, shape...) }

func yesNo(name string, shape ...int) *ir.Value { return ir.Input(name, ir.Bool, shape...) }

var (
	inf, nan = math.Inf(1), math.NaN()
	negZero  = math.Copysign(0, -1)
	// special holds the floats that tend to be forgotten.
	special = []float64{0, negZero, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 8388609, inf, -inf, nan, 1e-30, -1e-30, 1e30, -1e30,
		math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 88, -88, 104, 2147483520, -2147483648, 3e9, -3e9}
	// wide holds the integers that tend to be forgotten.
	wide = []float64{0, 1, -1, 7, -7, math.MaxInt32, math.MinInt32, 65536, -65537}
)

// rounded returns the numbers as f32 has them.
func rounded(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, a := range x {
		out[i] = float64(float32(a))
	}
	return out
}

type unaryOp struct {
	name string
	f    func(*ir.Value) *ir.Value
	tol  tolerance
}

var unaryOps = []unaryOp{
	{"neg", op.Neg, exact}, {"exp", op.Exp, single}, {"log", op.Log, single}, {"log1p", op.Log1p, single},
	{"expm1", op.Expm1, single}, {"sqrt", op.Sqrt, single}, {"abs", op.Abs, exact}, {"sign", op.Sign, exact},
	{"tanh", op.Tanh, single}, {"sigmoid", op.Sigmoid, single}, {"relu", op.ReLU, exact},
	{"rsqrt", op.Rsqrt, single}, {"erf", op.Erf, single}, {"sin", op.Sin, single}, {"cos", op.Cos, single}, {"atan", op.Atan, single},
	{"floor", op.Floor, exact}, {"round", op.Round, exact}, {"stop_gradient", op.StopGradient, exact}, {"is_finite", op.IsFinite, exact},
	{"cast", func(a *ir.Value) *ir.Value { return op.Cast(a, ir.I32) }, exact},
}

func (s *suite) unary(t T) {
	for _, o := range unaryOps {
		t.Run(o.name, func(t T) {
			for _, shape := range sizes {
				s.check(t, o.f(f32("x", shape...)), nil, o.tol)
			}
			s.check(t, o.f(f32("x", len(special))), data{"x": rounded(special)}, o.tol)
		})
	}
	t.Run("cast to f32", func(t T) {
		s.check(t, op.Cast(i32("x", len(wide)), ir.F32), data{"x": wide}, exact)
		s.check(t, op.Cast(f32("x", 3), ir.F32), nil, exact)
	})
}

type binaryOp struct {
	name   string
	f      func(a, b *ir.Value) *ir.Value
	floats bool // only
	tol    tolerance
}

var (
	arithmetic = []binaryOp{
		{"add", op.Add, false, single}, {"sub", op.Sub, false, single}, {"mul", op.Mul, false, single},
		{"div", op.Div, false, single}, {"max", op.Max, false, exact}, {"min", op.Min, false, exact},
		{"pow", op.Pow, true, single},
	}
	comparisons = []binaryOp{{"eq", op.Eq, false, exact}, {"lt", op.Lt, false, exact}, {"le", op.Le, false, exact}}
)

// pairs are operand shapes: equal, with a number, row, column, both repeated,
// of different rank, repeated in the middle, empty, and large.
var pairs = [][2]ir.Shape{
	{{}, {}}, {{5}, {5}}, {{7}, {}}, {{}, {7}}, {{13, 17}, {17}}, {{17}, {13, 17}}, {{13, 17}, {13, 1}}, {{13, 1}, {13, 17}},
	{{13, 1}, {1, 17}}, {{1, 17}, {13, 1}}, {{2, 3, 5}, {2, 1, 5}}, {{2, 1, 5}, {2, 3, 5}}, {{2, 1, 5}, {1, 3, 1}},
	{{4, 1, 3, 1}, {2, 1, 6}}, {{0, 3}, {3}}, {{0, 3}, {1, 3}}, {{4, 0}, {4, 1}}, {{1}, {1, 1, 1}}, {{2, 3, 4, 5}, {3, 1, 5}},
	{{301, 257}, {301, 257}}, {{301, 257}, {257}}, {{301, 257}, {301, 1}}, {{301, 257}, {}}, {{40, 1, 7, 300}, {3, 1, 300}},
}

func (s *suite) binary(t T)  { s.pairwise(t, arithmetic) }
func (s *suite) compare(t T) { s.pairwise(t, comparisons); t.Run("select", s.choose) }

func (s *suite) pairwise(t T, ops []binaryOp) {
	for _, o := range ops {
		t.Run(o.name, func(t T) {
			for _, p := range pairs {
				s.check(t, o.f(f32("a", p[0]...), f32("b", p[1]...)), nil, o.tol)
				if !o.floats && p[0].Elems() < 10000 {
					s.check(t, o.f(i32("a", p[0]...), i32("b", p[1]...)), nil, exact)
				}
			}
			x := f32("x", 6)
			s.check(t, o.f(x, x), nil, o.tol)
			each := rounded(special)
			s.check(t, o.f(f32("a", len(each), 1), f32("b", 1, len(each))), data{"a": each, "b": each}, o.tol)
			if !o.floats {
				n := len(wide)
				s.check(t, o.f(i32("a", n, 1), i32("b", n)), data{"a": wide, "b": wide}, exact)
			}
		})
	}
}

func (s *suite) choose(t T) {
	for _, c := range [][3]ir.Shape{
		{{}, {}, {}}, {{5}, {5}, {5}}, {{}, {5}, {5}}, {{5}, {}, {}}, {{3, 1}, {1, 4}, {}}, {{3, 4}, {4}, {3, 1}},
		{{2, 1, 3}, {4, 1}, {3}}, {{0}, {0}, {1}}, {{300, 200}, {300, 200}, {200}}, {{1, 200}, {300, 1}, {}},
	} {
		s.check(t, op.Select(yesNo("c", c[0]...), f32("a", c[1]...), f32("b", c[2]...)), nil, exact)
		s.check(t, op.Select(yesNo("c", c[0]...), i32("a", c[1]...), i32("b", c[2]...)), nil, exact)
	}
	given := data{"c": {0, 1, 1, 0}, "a": {nan, nan, inf, inf}, "b": {1, 2, 3, 4}}
	s.check(t, op.Select(yesNo("c", 4), f32("a", 4), f32("b", 4)), given, exact)
}
