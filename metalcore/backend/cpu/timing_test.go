package cpu

import (
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/compile"
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
	var total time.Duration
	for i, s := range p.Steps {
		if total += times[i]; s.Values[0].Op == "conv2d" && times[i] <= 0 {
			t.Error("a convolution took no time")
		}
	}
	text := compile.Explain(p, times)
	for _, want := range []string{"conv2d", "fused", "a step takes"} {
		if !strings.Contains(text, want) {
			t.Errorf("the explanation lacks %q:\n%s", want, text)
		}
	}
	timed.Measure(false)
	run()
	if timed.Times() != nil {
		t.Error("times were taken after that was switched off")
	}
}
