package conformance_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/conformance"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// The small suite runs every op on every type, too, and so does the dry one, and
// the one that only compiles.
func TestCheck(t *testing.T) {
	dev := cpu.New(1)
	defer dev.Close()
	small := conformance.Check(t.Context(), dev, conformance.Small)
	dry := conformance.Check(t.Context(), dev, conformance.Small, conformance.Dry)
	build := conformance.Check(t.Context(), unrunnable{dev}, conformance.Small, conformance.Build)
	for _, r := range []conformance.Result{small, dry, build} {
		if len(r.Failures) > 0 || r.Cases < 4000 || r.Cases != small.Cases {
			t.Errorf("%d cases, %d failures: %.1000v", r.Cases, len(r.Failures), r.Failures)
		}
	}
	t.Logf("%d cases", small.Cases)
}

// unrunnable is a device that compiles, and does nothing else.
type unrunnable struct{ backend.Device }

func (unrunnable) Alloc(int64) (backend.Buffer, error) { return nil, errors.New("nothing can be run") }

// faulty is a device that has faults.
type faulty struct {
	backend.Device
	compile func(p *plan.Program) error
}

func (d faulty) Compile(p *plan.Program) (backend.Executable, error) {
	if err := d.compile(p); err != nil {
		return nil, err
	}
	exe, err := d.Device.Compile(p)
	if err == nil && has(p, "sqrt") {
		exe = wrong{exe}
	}
	return exe, err
}

// wrong is an executable whose first output begins with 96.
type wrong struct{ backend.Executable }

func (w wrong) Submit(b backend.Bindings, steps int) backend.Completion {
	run := w.Executable.Submit(b, steps)
	if run.Wait() == nil {
		b.Outputs[0].Upload(0, []byte{0, 0, 0xc0, 0x42})
	}
	return run
}

func has(p *plan.Program, op string) bool {
	return slices.ContainsFunc(p.Steps, func(s plan.Step) bool {
		return slices.ContainsFunc(s.Values, func(v *ir.Value) bool { return v.Op == op })
	})
}

func TestCheckFinds(t *testing.T) {
	dev := cpu.New(1)
	defer dev.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r := conformance.Check(ctx, faulty{dev, func(p *plan.Program) error {
		switch {
		case has(p, "atan"):
			return errors.New("no atan here")
		case has(p, "floor"):
			panic("made to fail")
		case has(p, "gather"):
			cancel()
		}
		return nil
	}}, conformance.Small)
	if ctx.Err() == nil || r.Cases < 500 {
		t.Errorf("%d cases before the end of the context", r.Cases)
	}
	var atan, floor, sqrt int
	for _, f := range r.Failures {
		switch {
		case f.Part == "unary/atan" && strings.HasPrefix(f.Text, "no atan here"):
			atan++
		case f.Part == "unary/floor" && strings.Contains(f.Text, "made to fail"):
			floor++
		case f.Part == "unary/sqrt" && strings.HasPrefix(f.Text, "output y: element 0 is 96, want"):
			sqrt++
		default:
			t.Errorf("%+v", f)
		}
	}
	if atan < 10 || floor != 1 || sqrt < 10 {
		t.Errorf("%d failures of atan, %d of floor and %d of sqrt", atan, floor, sqrt)
	}
	dry := conformance.Check(t.Context(), faulty{dev, func(*plan.Program) error { return nil }}, conformance.Small, conformance.Dry)
	if len(dry.Failures) > 0 {
		t.Errorf("numbers were compared: %.1000v", dry.Failures)
	}
}
