package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// A step with a part that is not finite changes nothing, whichever part it is, and
// what made the number is named; the same step is taken when the fault is gone.
func TestBadPartChangesNothing(t *testing.T) {
	for bad := range 8 { // in parts 1 to 4 of the first step, of two rows, and in the second
		for _, hunt := range []bool{false, true} {
			xs := slices.Repeat([]float32{1, 2}, 6)
			xs[bad] = -1
			root := func(l *layers) *ir.Value {
				k := param("kernel", "ones", 1, 1)
				return l.stamp("dense", op.MatMul(l.stamp("log", op.Log(input(1))), k, false, false), k)
			}
			g := model(root(&layers{}))
			seen := ir.State("seen", ir.F32, nil, ir.Attrs{ir.AttrInit: "zeros"})
			count := []ir.Update{{State: seen, New: op.Add(seen, ir.Const(1, ir.F32))}}
			spec := Spec{Name: "bad", Model: ir.NewGraph("bad", g.Outputs, count), Loss: "mse", Optimizer: optimizer(t, "adam", 0.1),
				Batch: 2, Accumulate: 3, Ordered: true, Data: numbers(t, xs...), Hunt: hunt}
			tr, want := trainer(t, device(t), spec), trainer(t, device(t), spec)
			step := int64(bad/6 + 1)
			if step > 1 {
				stopAt(t, want, 1)
			}
			tr.pace = pace{perStep: 1, last: 1000} // both steps in one slice
			var diverged *DivergedError
			first := fmt.Sprintf("log of layer log_1 (cell:1), in part %d of 3 of the step", bad%6/2+1)
			for range 2 { // the second time it is the same
				if err := tr.Train(context.Background(), 1); !errors.As(err, &diverged) || diverged.First != first || diverged.Step != step {
					t.Fatalf("row %d, hunt %v: got %v", bad, hunt, err)
				}
			}
			a, b := take(t, tr), take(t, want)
			a.States = slices.DeleteFunc(a.States, func(p Parameter) bool { return p.Name == nameFirst })
			b.States = slices.DeleteFunc(b.States, func(p Parameter) bool { return p.Name == nameFirst })
			zero := func(p Parameter) bool { return strings.Trim(string(p.Value.Data), "\x00") == "" }
			if step == 1 { // what no step has changed need not be there
				a.States, b.States = slices.DeleteFunc(a.States, zero), slices.DeleteFunc(b.States, zero)
			}
			if fmt.Sprint(a.States) != fmt.Sprint(b.States) || a.Loss != b.Loss {
				t.Errorf("row %d, hunt %v: after the bad step there is %v, want %v", bad, hunt, a.States, b.States)
			}
		}
	}
}

// What is not finite only in the update, or only once looked at, is found too.
func TestHuntInTheUpdate(t *testing.T) {
	spec := Spec{Name: "far", Model: model(scaled(1)(&layers{})), Loss: "mse", Optimizer: optimizer(t, "sgd", 3e38), Batch: 2, Accumulate: 2,
		Ordered: true, Data: numbers(t, 1, 1, 1, 1), Hunt: true}
	tr := trainer(t, device(t), spec)
	before := weights(t, tr)
	var bad *DivergedError
	if err := tr.Train(context.Background(), 1); !errors.As(err, &bad) || bad.First != "mul of the update of scaled_1.kernel" || weights(t, tr) != before {
		t.Errorf("got %v", err)
	}
	k := param("kernel", "ones", 1, 1)
	l := &layers{}
	h := l.stamp("bounded", op.Min(op.Exp(input(1)), ir.Const(5, ir.F32)))
	spec.Model, spec.Optimizer, spec.Data = model(l.stamp("dense", op.MatMul(h, k, false, false), k)), optimizer(t, "sgd", 1e-3), numbers(t, 1, 2, 3, 400)
	if err := trainer(t, device(t), spec).Train(context.Background(), 1); !errors.As(err, &bad) || bad.First != "exp of layer bounded_1 (cell:1), in part 2 of 2 of the step" {
		t.Errorf("got %v", err)
	}
	spec.Hunt = false
	fit(t, trainer(t, device(t), spec), 1)
}

// A part that overflows in 16 bits costs the whole step, and no other one; its rows
// are measured.
func TestSkippedStepsOfParts(t *testing.T) {
	spec := steep(t, MixedFloat16)
	spec.Batch, spec.Accumulate = 1, 4
	tr := trainer(t, device(t), spec)
	before := numbersOf(t, tr)
	fit(t, tr, 1)
	if i := tr.Info(); i.Skipped != 1 || i.Step != 1 || i.LossScale != firstScale/2 || !slices.Equal(numbersOf(t, tr), before) {
		t.Errorf("after the first step: %+v", i)
	}
	if l := value(t, tr.Info().Last.Train, "loss"); math.Abs(l-120) > 0.1 {
		t.Errorf("the loss of the step is %v", l)
	}
	fit(t, tr, 40)
	if i := tr.Info(); i.Skipped < 2 || i.Skipped > 20 || slices.Equal(numbersOf(t, tr), before) {
		t.Errorf("%+v", i)
	}
}

// A step in parts needs the memory of a part, and gives all back.
func TestMemoryOfParts(t *testing.T) {
	bytes := func(batch, parts int) int64 {
		spec := irisSpec(t)
		spec.Model, spec.Batch, spec.Accumulate = digitsCNN(32), batch, parts
		spec.Data, _ = split(t, "digits")
		spec.Valid = nil
		dev := device(t)
		tr := trainer(t, dev, spec)
		alone := live(dev) - tr.Info().Bytes
		if err := tr.TrainSteps(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
		got, have := tr.Info().Bytes, live(dev)-alone
		if got > have || 40*(have-got) > have {
			t.Errorf("%d parts of %d rows: the trainer says %d bytes, the device %d", parts, batch, got, have)
		}
		return got
	}
	large, small, parts := bytes(128, 0), bytes(16, 0), bytes(16, 8)
	if parts > large/2 || parts < small {
		t.Errorf("eight parts of 16 rows take %d bytes, one batch of 128 takes %d, one of 16 %d", parts, large, small)
	}
}

// What is compiled does not grow with the number of parts.
func TestProgramsOfParts(t *testing.T) {
	spec := irisSpec(t)
	spec.Batch, spec.Accumulate = 9, 5 // steps of 45, 45 and 30: three and a third
	dev := &counting{Device: device(t)}
	tr := trainer(t, dev, spec)
	if err := tr.SetValid(nil); err != nil {
		t.Fatal(err)
	}
	fit(t, tr, 2)
	if dev.programs != 3 { // of 9 rows, of 3, and the update
		t.Errorf("%d programs were compiled", dev.programs)
	}
}

// counting counts the programs that are compiled.
type counting struct {
	backend.Device
	programs int
}

func (d *counting) Compile(p *plan.Program) (backend.Executable, error) {
	d.programs++
	return d.Device.Compile(p)
}

func TestBadAccumulation(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	spec.Accumulate = -1
	if _, err := New(dev, spec); err == nil || !strings.Contains(err.Error(), "a step of -1 batches: Accumulate must be at least 1") {
		t.Errorf("got %v", err)
	}
	spec.Accumulate, spec.Optimizer = 2, withSettings(t, "lbfgs", nil)
	if _, err := New(dev, spec); err == nil || !strings.Contains(err.Error(), "lbfgs cannot accumulate the gradients of 2 batches: leave Accumulate out") {
		t.Errorf("got %v", err)
	}
	was, is := irisSpec(t), irisSpec(t)
	if is.Accumulate = 1; len(Diff(was, is)) != 0 {
		t.Errorf("one batch is another thing than none said: %v", Diff(was, is))
	}
	is.Accumulate = 4
	if d := Diff(was, is); len(d) != 1 || d[0].Field != "accumulate" || d[0].Live || d[0].Detail != "the number of batches of a step is 4, it was 1" {
		t.Errorf("%v", d)
	}
}
