package cpu

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
)

func TestTimes(t *testing.T) {
	d := New(1)
	defer d.Close()
	p := lenet(t, 64)
	exe, b := load(t, d, p)
	var timed backend.Timed = exe
	run := func() {
		if err := exe.Submit(b, 3).Wait(); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if timed.Times() != nil {
		t.Error("times were taken before that was switched on")
	}
	timed.Measure(true)
	run()
	times := timed.Times()
	if len(times) != len(p.Steps)+1 {
		t.Fatalf("%d times for %d steps", len(times), len(p.Steps))
	}
	for i, s := range p.Steps {
		if s.Values[0].Op == "conv2d" && times[i] <= 0 {
			t.Error("a convolution took no time")
		}
	}
	timed.Measure(false)
	run()
	if timed.Times() != nil {
		t.Error("times were taken after that was switched off")
	}
}
