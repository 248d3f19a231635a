package vec

import "math"

func init() {
	for op, k := range map[string]Kernel{
		"neg.f32": unary(neg), "abs.f32": unary(abs), "relu.f32": unary(relu), "sign.f32": unary(sign),
		"sqrt.f32": unary(sqrt), "floor.f32": unary(floor), "is_finite.f32": unary(isFinite),
		"to_i32": unary(toInt), "to_f32": unary(toFloat),
		"exp.f32": each(math.Exp), "log.f32": each(math.Log), "log1p.f32": each(math.Log1p), "expm1.f32": each(math.Expm1),
		"tanh.f32": each(math.Tanh), "sigmoid.f32": each(sigmoid64), "erf.f32": each(math.Erf),
		"sin.f32": each(math.Sin), "cos.f32": each(math.Cos), "atan.f32": each(math.Atan), "round.f32": each(math.RoundToEven),
		"rsqrt.f32": each(func(x float64) float64 { return 1 / math.Sqrt(x) }),
	} {
		plain[key{op, 0}] = k
	}
}

// each computes in float64, so that only the result is rounded.
func each(f func(float64) float64) Kernel {
	return unary(func(d, x []float32) {
		d = d[:len(x)]
		for i, a := range x {
			d[i] = float32(f(float64(a)))
		}
	})
}

// sigmoid64 never overflows: exp gets a negative number.
func sigmoid64(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}

func neg(d, x []float32) {
	d = d[:len(x)]
	for i, a := range x {
		d[i] = -a
	}
}

func abs(d, x []float32) {
	d = d[:len(x)]
	for i, a := range x {
		d[i] = math.Float32frombits(math.Float32bits(a) &^ (1 << 31))
	}
}

// relu keeps NaN, which is not below 0.
func relu(d, x []float32) {
	d = d[:len(x)]
	for i, a := range x {
		if a < 0 {
			a = 0
		}
		d[i] = a
	}
}

func sign(d, x []float32) {
	d = d[:len(x)]
	for i, a := range x {
		switch {
		case a > 0:
			a = 1
		case a < 0:
			a = -1
		default: // NaN too
			a = 0
		}
		d[i] = a
	}
}

func sqrt(d, x []float32) {
	d = d[:len(x)]
	for i, a := range x {
		d[i] = float32(math.Sqrt(float64(a)))
	}
}

func floor(d, x []float32) {
	d = d[:len(x)]
	for i, a := range x {
		d[i] = float32(math.Floor(float64(a)))
	}
}

func isFinite(d []int32, x []float32) {
	d = d[:len(x)]
	for i, a := range x {
		d[i] = b2i(a-a == 0)
	}
}

func toFloat(d []float32, x []int32) {
	d = d[:len(x)]
	for i, a := range x {
		d[i] = float32(a)
	}
}

// toInt saturates; NaN becomes 0.
func toInt(d []int32, x []float32) {
	d = d[:len(x)]
	for i, a := range x {
		switch {
		case a >= math.MaxInt32:
			d[i] = math.MaxInt32
		case a <= math.MinInt32:
			d[i] = math.MinInt32
		case a != a:
			d[i] = 0
		default:
			d[i] = int32(a)
		}
	}
}
