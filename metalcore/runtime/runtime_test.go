package runtime

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/train"
)

// session makes a core with one session. At the end of the test the core is
// closed, and its device must be empty.
func session(t *testing.T) (*Core, *Session) {
	t.Helper()
	dev := cpu.New(1)
	c := New(dev)
	s, leave := c.Join("notebook")
	t.Cleanup(func() {
		leave()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if n := dev.LiveBytes(); n != 0 {
			t.Errorf("%d bytes are left on the device", n)
		}
	})
	return c, s
}

// dense is a model whose layers have the given sizes.
func dense(in int, sizes ...int) *ir.Graph {
	y := ir.Input("x", ir.F32, ir.Batch, in)
	for i, n := range sizes {
		layer := fmt.Sprint("dense_", i+1)
		w := ir.State(layer+"/kernel", ir.F32, ir.Shape{y.Shape[1], n}, ir.Attrs{ir.AttrInit: "he_normal", ir.AttrTrain: true})
		y = op.MatMul(y, w, false, false)
		ir.Stamp(y, layer, ir.Pos{File: "cell", Line: i + 1})
	}
	return ir.NewGraph("model", []ir.Output{{Name: "y", Value: y}}, nil)
}

// iris is the specification of a small classifier.
func iris(t *testing.T, s *Session, name string, lr float64) train.Spec {
	t.Helper()
	o, err := optim.New("sgd", map[string]float64{"lr": lr})
	if err != nil {
		t.Fatal(err)
	}
	data, err := s.Data(Ref{Source: "iris", Part: "train", Share: 0.2, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return train.Spec{Name: name, Model: dense(4, 3), Loss: "cross_entropy", Optimizer: o, Batch: 30, Seed: 1, Data: data}
}

func declare(t *testing.T, s *Session, spec train.Spec, replace bool, want string) *Trainer {
	t.Helper()
	outcome, tr, err := s.Declare(Declaration{Spec: spec}, replace)
	if err != nil || outcome != want {
		t.Fatalf("%q, %v; want %q", outcome, err, want)
	}
	return tr
}

// fails checks an error's code and that it says all of the words.
func fails(t *testing.T, err error, code Code, words ...string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code != code {
		t.Fatalf("got the error %v, want one with the code %s", err, code)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not say %q: %v", w, err)
		}
	}
}

func finish(t *testing.T, tr *Trainer, epochs int) {
	t.Helper()
	run, err := tr.Start(epochs)
	if err != nil {
		t.Fatal(err)
	}
	<-run.Done()
	if run.Err() != nil {
		t.Fatal(run.Err())
	}
}

func TestDeclarations(t *testing.T) {
	_, s := session(t)
	spec := iris(t, s, "a", 0.1)
	a := declare(t, s, spec, false, "created")
	finish(t, a, 2)
	if b := declare(t, s, iris(t, s, "a", 0.1), false, "attached"); b != a {
		t.Error("the same declaration is another trainer")
	}
	if err := a.SetLR(0.05); err != nil {
		t.Fatal(err)
	}
	declare(t, s, iris(t, s, "a", 0.1), false, "attached")
	if lr := a.Info().LR; lr != 0.05 {
		t.Errorf("the same declaration set the learning rate to %v", lr)
	}
	declare(t, s, iris(t, s, "a", 0.2), false, "changed")
	if i := a.Info(); i.LR != 0.2 || i.Epoch != 2 {
		t.Errorf("a declaration with another learning rate: %+v", i)
	}
	valid := iris(t, s, "a", 0.2)
	valid.Valid = valid.Data
	declare(t, s, valid, false, "changed")
	finish(t, a, 1)
	if h := a.History(); len(h[1].Valid) != 0 || len(h[2].Valid) == 0 {
		t.Errorf("the validation data was not taken over: %+v", h)
	}

	other := iris(t, s, "a", 0.2)
	other.Model, other.Valid = dense(4, 5, 3), valid.Data
	_, _, err := s.Declare(Declaration{Spec: other}, false)
	fails(t, err, Changed, `trainer "a"`, "dense_1", "Replace")
	c := declare(t, s, other, true, "replaced")
	if c.Info().Step != 0 {
		t.Error("the replacement goes on with the old steps")
	}
	_, err = a.Start(1)
	fails(t, err, Unknown, "declare it")
	spec.Batch = 0
	spec.Name = "bad"
	_, _, err = s.Declare(Declaration{Spec: spec}, false)
	fails(t, err, BadRequest, "batch")
	if list := s.Trainers(); len(list) != 1 || list[0] != c {
		t.Errorf("trainers: %v", list)
	}
}

func TestBusyRules(t *testing.T) {
	_, s := session(t)
	tr := declare(t, s, iris(t, s, "a", 0.1), false, "created")
	if tr.Run() != nil || tr.Running() {
		t.Error("it trains before it was told to")
	}
	tr.Stop() // of none is no error
	run, err := tr.Start(1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	if i := tr.Info(); !i.State.Training() || i.Goal != 1_000_000 {
		t.Errorf("just started: %+v", i)
	}
	_, err = tr.Start(1)
	fails(t, err, Busy, "t.Stop()")
	fails(t, tr.Reset(), Busy, "be reset")
	fails(t, s.Drop("a"), Busy, "be dropped")
	other := iris(t, s, "a", 0.1)
	other.Batch = 10
	_, _, err = s.Declare(Declaration{Spec: other}, true)
	fails(t, err, Busy, "be replaced")
	if run.Err() != nil {
		t.Error(run.Err())
	}
	run.Stop()
	at := tr.Info()
	if tr.Running() || run.Err() != nil || at.State != train.Stopped || !strings.Contains(at.Note, fmt.Sprint("step ", at.Step)) {
		t.Errorf("stopped: %+v, %v", at, run.Err())
	}
	again, err := tr.Start(1)
	if err != nil {
		t.Fatal(err)
	}
	run.Stop() // the first one's end is no concern of the second's
	<-again.Done()
	if again.Number != 2 || tr.Info().Epoch != again.Goal() || again.Goal() > at.Epoch+2 {
		t.Errorf("the second training: number %d, %+v", again.Number, tr.Info())
	}
	if err := tr.SetLR(3); err != nil {
		t.Fatal(err)
	}
	if err := tr.Reset(); err != nil || tr.Info().LR != 0.1 || tr.Info().Step != 0 {
		t.Errorf("reset: %v, %+v", err, tr.Info())
	}
	if err := s.Drop("a"); err != nil {
		t.Error(err)
	}
	fails(t, s.Drop("a"), Unknown, "nb.NewTrainer")
}

func TestDivergence(t *testing.T) {
	_, s := session(t)
	tr := declare(t, s, iris(t, s, "a", 1e38), false, "created")
	run, err := tr.Start(5)
	if err != nil {
		t.Fatal(err)
	}
	<-run.Done()
	fails(t, run.Err(), Diverged, "learning rate", "step")
	if tr.Info().State != train.Failed {
		t.Errorf("%+v", tr.Info())
	}
}

// Data that is put anew does not change under a trainer that uses the old.
func TestDataReplacedUnderTrainer(t *testing.T) {
	c, s := session(t)
	put := func(hash string, x float32) {
		t.Helper()
		xs := feed.FromF32([]float32{x, 2 * x, 3 * x, 4 * x}, 4, 1)
		if err := s.PutData("mine", hash, xs, feed.FromF32([]float32{1, 2, 3, 4}, 4), nil); err != nil {
			t.Fatal(err)
		}
	}
	put("one", 1)
	if !s.HasData("mine", "one") || s.HasData("mine", "two") || s.HasData("other", "one") {
		t.Error("data is not known by name and content")
	}
	spec := func() train.Spec {
		o, err := optim.New("sgd", map[string]float64{"lr": 0.01})
		if err != nil {
			t.Fatal(err)
		}
		data, err := s.Data(Ref{Source: "mine", User: true})
		if err != nil {
			t.Fatal(err)
		}
		return train.Spec{Name: "line", Model: dense(1, 1), Loss: "mse", Optimizer: o, Batch: 2, Data: data}
	}
	tr := declare(t, s, spec(), false, "created")
	run, err := tr.Start(1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	put("two", 1000) // with these numbers the training would diverge
	put("one", 1)
	put("two", 1000)
	for from := tr.Info().Step; tr.Info().Step < from+100 && run.running(); {
	}
	run.Stop()
	if run.Err() != nil {
		t.Error(run.Err())
	}
	_, _, err = s.Declare(Declaration{Spec: spec()}, false)
	fails(t, err, Changed, "content")
	if names := s.DataNames(); len(names) != 1 {
		t.Errorf("data: %v", names)
	}
	fails(t, s.PutData("mine", "x", feed.FromF32(nil, 0, 1), feed.FromF32(nil, 0), nil), BadData, "row")
	_, err = s.Data(Ref{Source: "yours", User: true})
	fails(t, err, Unknown, "mine")
	if c.Empty() {
		t.Error("a core with data and a trainer says that it is empty")
	}
}

// Whoever looks between the last step of a training and its end is told that it goes
// on: what is refused beside a training would still be refused.
func TestTheEndOfATraining(t *testing.T) {
	_, s := session(t)
	tr := declare(t, s, iris(t, s, "a", 0.1), false, "created")
	last, look := make(chan struct{}), make(chan struct{})
	defer tr.Subscribe(func(e train.Event) {
		if e.Kind == train.Ended {
			close(last)
			<-look
		}
	})()
	run, err := tr.Start(1)
	if err != nil {
		t.Fatal(err)
	}
	<-last
	state := tr.Info().State
	fails(t, s.Drop("a"), Busy, "be dropped")
	close(look)
	<-run.Done()
	if end := tr.Info().State; state != train.Stopping || end != train.Finished {
		t.Errorf("%s before the end, %s behind it", state, end)
	}
}
