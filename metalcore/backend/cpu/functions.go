package cpu

import "math"

func init() {
	register(map[string]maker{
		"rsqrt": unary(each(func(x float64) float64 { return 1 / math.Sqrt(x) }), cheapGrain),
		"round": unary(each(math.RoundToEven), cheapGrain),
		"erf":   unary(each(math.Erf), costlyGrain),
		"sin":   unary(each(math.Sin), costlyGrain),
		"cos":   unary(each(math.Cos), costlyGrain),
	})
}
