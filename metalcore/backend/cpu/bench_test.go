package cpu

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// BenchmarkGEMM reports the speed of products and its ratio to the peak of
// multiply-adds on as many cores, measured in between.
func BenchmarkGEMM(b *testing.B) {
	for _, s := range []struct {
		m, n, k int
		ta, tb  bool
	}{
		{128, 128, 128, false, false}, {256, 256, 256, false, false}, {512, 512, 512, false, false}, {1024, 1024, 1024, false, false},
		{512, 512, 512, true, false}, {512, 512, 512, false, true},
		{32, 128, 784, false, false}, {784, 128, 32, true, false}, {32, 784, 128, false, true}, // a dense layer and its gradients
		{128, 512, 784, false, false}, {784, 512, 128, true, false},
		{32, 10, 128, false, false}, {128, 10, 32, true, false}, {32, 128, 10, false, true},
		{1024, 64, 64, false, false}, {1024, 256, 64, false, false},
	} {
		x, y := ir.Shape{s.m, s.k}, ir.Shape{s.k, s.n}
		name := fmt.Sprintf("%dx%dx%d", s.m, s.k, s.n)
		if s.ta {
			x, name = ir.Shape{s.k, s.m}, name+"-ta"
		}
		if s.tb {
			y, name = ir.Shape{s.n, s.k}, name+"-tb"
		}
		v := op.MatMul(ir.Input("a", ir.F32, x...), ir.Input("b", ir.F32, y...), s.ta, s.tb)
		speeds(b, name, v, 2*s.m*s.n*s.k)
	}
}

// BenchmarkConv has the layers of two small networks, for 28 x 28 and for 32 x
// 32 pixels, forward and both gradients.
func BenchmarkConv(b *testing.B) {
	for _, s := range []struct{ n, side, in, out, kernel, stride, pad int }{
		{32, 28, 1, 16, 3, 1, 1}, {32, 14, 16, 32, 3, 1, 1}, {8, 32, 3, 32, 3, 1, 1}, {8, 32, 32, 32, 3, 2, 1},
		{8, 16, 32, 64, 3, 1, 1}, {8, 16, 64, 64, 3, 2, 1}, {32, 8, 1, 16, 3, 1, 0}, {8, 16, 64, 64, 1, 1, 0}, {2, 28, 3, 16, 5, 1, 2},
		{1, 7, 512, 512, 3, 1, 1},
	} {
		p := s.pad
		spec := op.ConvSpec{Stride: []int{s.stride, s.stride}, Pad: []int{p, p, p, p}}
		x, k := ir.Input("x", ir.F32, s.n, s.side, s.side, s.in), ir.Input("k", ir.F32, s.kernel, s.kernel, s.in, s.out)
		y := op.Conv2D(x, k, spec)
		flops := 2 * y.Shape.Elems() * k.Shape[:3].Elems()
		g := ir.Input("g", ir.F32, y.Shape...)
		name := fmt.Sprintf("%dx%dx%dx%d-%d-%dx%d-s%d", s.n, s.side, s.side, s.in, s.out, s.kernel, s.kernel, s.stride)
		speeds(b, name+"/forward", y, flops)
		speeds(b, name+"/kernel", op.Conv2DGradKernel(x, g, k.Shape, spec), flops)
		speeds(b, name+"/input", op.Conv2DGradInput(g, k, x.Shape, spec), flops)
	}
}

// speeds runs the computation of a value on one thread and on two.
func speeds(b *testing.B, name string, v *ir.Value, flops int) {
	p, err := plan.New(ir.NewGraph("bench", []ir.Output{{Name: "y", Value: v}}, nil))
	if err != nil {
		b.Fatal(err)
	}
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprint(name, "/", threads), func(b *testing.B) {
			d := New(threads)
			defer d.Close()
			exe, bind := load(b, d, p)
			if err := exe.bind(bind); err != nil {
				b.Fatal(err)
			}
			var busy, peaks []float64 // seconds of a call, and of a multiply-add's flop
			round := max(1, int(2e7)/flops)
			for b.Loop() {
				start := time.Now()
				if err := exe.steps(round); err != nil {
					b.Fatal(err)
				}
				middle := time.Now()
				done := d.pool.variant.FMA(1 << 14)
				busy = append(busy, middle.Sub(start).Seconds()/float64(round))
				peaks = append(peaks, time.Since(middle).Seconds()/float64(done))
			}
			slices.Sort(busy)
			slices.Sort(peaks)
			call := busy[len(busy)/2]
			speed := float64(flops) / call
			b.ReportMetric(speed/1e9, "GFLOP/s")
			b.ReportMetric(speed*peaks[len(peaks)/2]/float64(threads), "ofpeak")
			b.ReportMetric(call*1e6, "µs/call")
		})
	}
}

// BenchmarkLeNetStep is a step of training a small network.
func BenchmarkLeNetStep(b *testing.B) {
	p := lenet(b, 32)
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprint(threads, "threads"), func(b *testing.B) {
			steps(b, threads, p)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}

func steps(b *testing.B, threads int, p *plan.Program) {
	d := New(threads)
	defer d.Close()
	exe, bind := load(b, d, p)
	b.ResetTimer()
	if err := exe.Submit(bind, b.N).Wait(); err != nil {
		b.Fatal(err)
	}
}
