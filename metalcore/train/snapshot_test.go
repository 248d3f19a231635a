package train

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/schedule"
)

// take is a snapshot.
func take(t *testing.T, tr *Trainer) *Snapshot {
	t.Helper()
	s, err := tr.Snapshot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// restorable are specifications that differ in what there is to remember: every
// optimizer, layers that draw numbers, halves, schedules, rows that count
// differently.
func restorable(t *testing.T) map[string]Spec {
	t.Helper()
	specs := map[string]Spec{}
	for _, name := range optim.Names() {
		spec := noisySpec(t)
		spec.Optimizer = withSettings(t, name, nil)
		specs[name] = spec
	}
	for _, precision := range []string{MixedFloat16, MixedBFloat16} {
		spec := noisySpec(t)
		spec.Precision = precision
		specs[precision] = spec
	}
	for _, name := range schedule.Names() {
		spec := noisySpec(t)
		settings := map[string]float64{"epochs": 2, "warmup_steps": 3}
		if name == "plateau" {
			settings = map[string]float64{"patience": 0, "threshold": 10, "factor": 0.5} // never content
		}
		s, err := schedule.New(name, settings)
		if err != nil {
			t.Fatal(err)
		}
		spec.Schedule = s
		specs["schedule "+name] = spec
	}
	averaged := noisySpec(t)
	averaged.EMA = 0.9
	specs["averages"] = averaged
	parts := noisySpec(t)
	parts.Batch, parts.Accumulate = 8, 2
	specs["parts"] = parts
	spec := noisySpec(t)
	data, err := spec.Data.Rows("weighted", seq(spec.Data.Len()))
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]float32, data.Len())
	for i := range counts {
		counts[i] = float32(i % 3)
	}
	data.W = feed.FromF32(counts, data.Len())
	spec.Data, spec.L2 = data, 1e-3
	specs["weighted"] = spec
	return specs
}

func seq(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// A trainer on another device that restores a snapshot goes on as the one that it
// was taken of: the loss of every step, the metrics, the weights.
func TestRestoredGoesOnExactly(t *testing.T) {
	for name, spec := range restorable(t) {
		t.Run(name, func(t *testing.T) {
			dev := device(t)
			whole := trainer(t, dev, spec)
			stopAt(t, whole, 26) // 3 epochs of 8 and a little, in slices of one step
			for _, at := range []int64{0, 3, 8, 13} {
				cut := trainer(t, dev, spec)
				stopAt(t, cut, at)
				s := take(t, cut)
				stopAt(t, cut, at+2) // a snapshot is not touched by what comes after
				again := trainer(t, device(t), spec)
				if err := again.Restore(s); err != nil {
					t.Fatalf("after step %d: %v", at, err)
				}
				if i := again.Info(); i.Step != at || i.State.Training() {
					t.Fatalf("restored after step %d: %+v", at, i)
				}
				stopAt(t, again, 26)
				if weights(t, again) != weights(t, whole) {
					t.Errorf("restored after step %d, the weights became others", at)
				}
				sameHistory(t, whole, again)
				if !slices.Equal(again.Points(), whole.Points()) {
					t.Errorf("restored after step %d, the losses are %v, want %v", at, again.Points(), whole.Points())
				}
				if a, b := whole.Info(), again.Info(); a.Step != b.Step || a.LR != b.LR || a.Skipped != b.Skipped || a.LossScale != b.LossScale {
					t.Errorf("restored after step %d: %+v, want %+v", at, b, a)
				}
			}
		})
	}
}

// A trainer goes back to a snapshot of its own, too, also one from before its
// optimizer remembered anything.
func TestRestoreGoesBack(t *testing.T) {
	tr := trainer(t, device(t), noisySpec(t))
	first := take(t, tr)
	fit(t, tr, 2)
	if err := tr.SetLR(0.5); err != nil {
		t.Fatal(err)
	}
	want, second := weights(t, tr), take(t, tr)
	if err := tr.Restore(first); err != nil {
		t.Fatal(err)
	}
	if i := tr.Info(); i.Step != 0 || i.LR != 0.01 || len(tr.History()) != 0 || len(tr.Points()) != 0 {
		t.Errorf("back at the beginning: %+v", i)
	}
	fit(t, tr, 2)
	if weights(t, tr) != want {
		t.Error("what came after is not what it was")
	}
	if err := tr.Restore(second); err != nil {
		t.Fatal(err)
	}
	if i := tr.Info(); i.LR != 0.5 || i.Epoch != 2 || weights(t, tr) != want {
		t.Errorf("forth again: %+v", i)
	}
}

// Snapshots of a training under way are states between two steps.
func TestSnapshotsWhileTraining(t *testing.T) {
	dev, spec := device(t), noisySpec(t)
	tr := trainer(t, dev, spec)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- tr.Train(ctx, 1_000_000) }()
	var list []*Snapshot
	for len(list) < 5 {
		s := take(t, tr)
		if s.Step > 0 && (len(list) == 0 || s.Step > list[len(list)-1].Step+20) {
			list = append(list, s)
		}
	}
	if list[0].Goal != 1_000_000 {
		t.Errorf("the goal is %d", list[0].Goal)
	}
	if err := tr.Restore(list[0]); !errors.Is(err, ErrBusy) {
		t.Errorf("restored while it trains: %v", err)
	}
	cancel()
	<-ended
	for i, s := range list[1:] {
		again := trainer(t, dev, spec)
		if err := again.Restore(list[i]); err != nil {
			t.Fatal(err)
		}
		stopAt(t, again, s.Step)
		got := take(t, again)
		for k := range s.States {
			if string(got.States[k].Value.Data) != string(s.States[k].Value.Data) {
				t.Errorf("%d steps after step %d, %s is not what it was", s.Step-list[i].Step, list[i].Step, s.States[k].Name)
			}
		}
	}
}

// What does not fit is refused, and changes nothing.
func TestSnapshotsThatDoNotFit(t *testing.T) {
	dev := device(t)
	tr := trainer(t, dev, irisSpec(t))
	stopAt(t, tr, 11)
	want := weights(t, tr)
	other := irisSpec(t)
	other.Model = mlp(4, 17, 3)
	wide := trainer(t, dev, other)
	for text, spoil := range map[string]func(*Snapshot){
		"dense_1.bias is f32[17]": func(s *Snapshot) { *s = *take(t, wide) },
		"is missing":              func(s *Snapshot) { s.States = s.States[:2] },
		"cannot stand there":      func(s *Snapshot) { s.EpochStep = 9 },
		"the counters say":        func(s *Snapshot) { s.EpochStep++ },
		"step 11":                 func(s *Snapshot) { s.Step++ },
		"the learning rate":       func(s *Snapshot) { s.LR = 0 },
		"no state of this trainer": func(s *Snapshot) {
			s.States = append(s.States, Parameter{nameOrder, feed.FromI32([]int32{1}, 1)})
		},
		"needs 4 numbers": func(s *Snapshot) {
			s.States = append(s.States, Parameter{"more", feed.Array{DType: ir.F32, Shape: ir.Shape{4}}})
		},
	} {
		s := *take(t, tr)
		s.States = slices.Clone(s.States)
		spoil(&s)
		if err := tr.Restore(&s); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %q", err, text)
		}
	}
	if i := tr.Info(); weights(t, tr) != want || i.Step != 11 || i.State.Training() {
		t.Errorf("it is %+v", i)
	}
}
