package vec

import (
	"fmt"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

// BenchmarkKernels measures kernels on data in the first cache.
func BenchmarkKernels(b *testing.B) {
	const n = 1024
	d, x, y, z := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range n {
		x[i], y[i] = float32(i)/100+0.5, 1+float32(i%7)
	}
	for _, op := range []string{"add.f32", "mul.f32", "div.f32", "sqrt.f32", "max.f32", "lt.f32", "select", "copy", "relu.f32",
		"exp.f32", "log.f32", "tanh.f32", "sigmoid.f32", "erf.f32"} {
		for _, v := range asm.Supported() {
			k := Find(v, op, 0)
			b.Run(fmt.Sprint(op, "/", v), func(b *testing.B) {
				for range b.N {
					run(k, d, x, y, z)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n*1000, "ps/element")
			})
		}
	}
}
