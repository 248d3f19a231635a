//go:build linux

package cuda

import "testing"

// step records launches of kernels, each with its number as its buffer.
func (r *recording) step(kernels ...*pipeline) {
	for i, k := range kernels {
		r.launches = append(r.launches, launch{kernel: k, groups: [3]int{1, 1, 1}, threads: 32, buffers: 1})
		r.buffers = append(r.buffers, uint64(i))
	}
}

func TestPeriod(t *testing.T) {
	a, b := &pipeline{name: "a"}, &pipeline{name: "b"}
	for name, c := range map[string]struct {
		steps [][]*pipeline
		times int
	}{
		"one step":              {[][]*pipeline{{a, b}}, 1},
		"three":                 {[][]*pipeline{{a, b, b}, {a, b, b}, {a, b, b}}, 3},
		"of one kernel":         {[][]*pipeline{{a}, {a}}, 2},
		"with a part of one":    {[][]*pipeline{{a, b}, {a, b}, {a}}, 1},
		"on other buffers each": {[][]*pipeline{{a, a}}, 1},
	} {
		r := &recording{}
		for _, s := range c.steps {
			r.step(s...)
		}
		launches, buffers, times := r.period()
		if times != c.times || len(launches)*times != len(r.launches) || len(buffers) != len(launches) {
			t.Errorf("%s: %d launches, %d times, want %d times", name, len(launches), times, c.times)
		}
	}
}

// TestGraphsKept: a sequence that comes again is found, those that came long ago
// are forgotten, and so are those of a kernel that is freed.
func TestGraphsKept(t *testing.T) {
	d := &driver{}
	var kernels []*pipeline
	var first *graph
	for i := range graphsKept + 3 {
		r := &recording{}
		kernels = append(kernels, &pipeline{})
		r.step(kernels[i])
		g := d.find(r.launches, r.buffers)
		if i == 0 {
			first = g
		}
		again := &recording{}
		again.step(kernels[0])
		if d.find(again.launches, again.buffers) != first {
			t.Fatalf("after %d others, the sequence that came last is not known", i)
		}
	}
	if len(d.graphs) != graphsKept {
		t.Errorf("%d graphs are kept, want %d", len(d.graphs), graphsKept)
	}
	d.dropOf(kernels[0])
	if len(d.graphs) != graphsKept-1 || d.graphs[0] == first {
		t.Errorf("%d graphs are left without those of one kernel, want %d", len(d.graphs), graphsKept-1)
	}
	if d.dropOf(nil); len(d.graphs) != 0 {
		t.Errorf("%d graphs are left", len(d.graphs))
	}
}
