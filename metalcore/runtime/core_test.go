package runtime

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

func TestSessionsComeAndGo(t *testing.T) {
	c := New(cpu.New(1))
	defer c.Close()
	a, leaveA := c.Join("a")
	again, leaveAgain := c.Join("a")
	b, leaveB := c.Join("b")
	if a != again || a == b || a.Clients() != 2 || len(c.Sessions()) != 2 {
		t.Fatal("clients of one notebook share one session, and only they")
	}
	if !c.Empty() {
		t.Error("a core without trainers, data and tensors is not empty")
	}
	if err := a.PutData("kept", "", feed.FromF32([]float32{1}, 1, 1), feed.FromF32([]float32{1}, 1), nil); err != nil {
		t.Fatal(err)
	}
	leaveAgain()
	leaveA()
	leaveB()
	if list := c.Sessions(); len(list) != 1 || list[0] != a || len(c.sessions) != 1 {
		t.Errorf("a session that holds data must stay, and an empty one go: %v", list)
	}
	back, leave := c.Join("a")
	defer leave()
	if back != a || len(back.DataNames()) != 1 {
		t.Error("the notebook came back to another session")
	}
	for i := range 3 * mostKernels {
		kernel := fmt.Sprint("kernel ", i)
		if back.Served(kernel) {
			t.Errorf("%s was served before it came", kernel)
		}
		back.SetServed(kernel)
		if !back.Served(kernel) || len(back.kernels) > mostKernels {
			t.Fatalf("%s: %d kernels are remembered", kernel, len(back.kernels))
		}
	}
}

func TestSplitsAreSharedAndBounded(t *testing.T) {
	_, s := session(t)
	ref := Ref{Source: "iris", Part: "train", Share: 0.2, Seed: 1}
	first, err := s.Data(ref)
	if err != nil {
		t.Fatal(err)
	}
	ref.Part = "test"
	test, err := s.Data(ref)
	if err != nil || first.Len() != 120 || test.Len() != 30 {
		t.Fatalf("%d and %d rows, %v", first.Len(), test.Len(), err)
	}
	ref.Part = "train"
	for seed := range int64(100) {
		again, err := s.Data(ref)
		if err != nil || again != first {
			t.Fatalf("a split in use was made again: %v", err)
		}
		if _, err := s.Data(Ref{Source: "iris", Part: "train", Share: 0.2, Seed: 1000 + seed}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.core.builtin.splits); n != mostSplits {
		t.Errorf("%d splits are kept", n)
	}
	ref.Part = "third"
	_, err = s.Data(ref)
	fails(t, err, BadRequest, "train")
	ref.Part, ref.Share = "test", 2
	_, err = s.Data(ref)
	fails(t, err, BadData, "share")
	_, err = s.Data(Ref{Source: "digit"})
	fails(t, err, Unknown, "digits")
}

// graph computes y of an input x [n].
func graph(n int, f func(x *ir.Value) *ir.Value) *ir.Graph {
	return ir.NewGraph("tensor", []ir.Output{{Name: "y", Value: f(ir.Input("x", ir.F32, n))}}, nil)
}

func TestCompute(t *testing.T) {
	_, s := session(t)
	twice := graph(2, func(x *ir.Value) *ir.Value { return op.Add(x, x) })
	x := map[string]feed.Array{"x": feed.FromF32([]float32{1, 2}, 2)}
	out, err := s.Compute(twice, x, "kept")
	if err != nil || out[0].F32s()[1] != 4 {
		t.Fatalf("%v, %v", out, err)
	}
	if a, err := s.Tensor("kept"); err != nil || a.F32s()[0] != 2 || len(s.Tensors()) != 1 {
		t.Errorf("%v, %v", a, err)
	}
	_, err = s.Tensor("lost")
	fails(t, err, Unknown, "kept")
	_, err = s.Compute(twice, nil, "")
	fails(t, err, BadRequest, `"x"`)
	_, err = s.Compute(twice, map[string]feed.Array{"x": feed.FromF32([]float32{1, 2, 3}, 3)}, "")
	fails(t, err, BadRequest, "[3]")
	_, err = s.Compute(dense(1, 1), nil, "")
	fails(t, err, BadRequest, "states")
	_, err = s.Compute(graph(ir.Batch, op.Neg), nil, "")
	fails(t, err, BadRequest, "t.Predict")
	_, err = s.Compute(ir.NewGraph("t", []ir.Output{{Name: "y", Value: op.Neg(ir.Const(1, ir.F32, 1<<20, 1<<20))}}, nil), nil, "")
	fails(t, err, Resource, "memory")
	_, err = s.Compute(ir.NewGraph("t", []ir.Output{{Name: "y", Value: op.Sum(op.Exp(op.Cast(ir.Iota(1<<40), ir.F32)), false)}}, nil), nil, "")
	fails(t, err, Resource, "memory")
	huge := iris(t, s, "huge", 0.1)
	huge.Model = dense(4, 1<<36)
	_, _, err = s.Declare(Declaration{Spec: huge}, false)
	fails(t, err, Resource, "weights")
}

// Many callers at once, for the race detector: whatever they do, nothing
// deadlocks, and in the end the trainer works.
func TestConcurrentCalls(t *testing.T) {
	c, s := session(t)
	const callers, rounds = 8, 12
	twice := graph(1000, func(x *ir.Value) *ir.Value { return op.Add(x, x) })
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			name := fmt.Sprint("trainer ", i%3)
			for round := range rounds {
				spec := iris(t, s, name, 0.01+0.01*float64(i%2))
				spec.Batch = 20 + 10*(i%2)
				_, tr, err := s.Declare(Declaration{Spec: spec}, true)
				if err != nil {
					fails(t, err, Busy)
					if tr, err = s.Trainer(name); err != nil {
						continue // dropped meanwhile
					}
				}
				run, err := tr.Start(1 + 1000*(round%2))
				tr.Evaluate(context.Background(), spec.Data)
				tr.Info()
				if err == nil && round%3 == 0 {
					run.Stop()
				}
				switch (i + round) % 4 {
				case 0:
					s.Drop(name)
				case 1:
					tr.Reset()
				case 2:
					tr.Stop()
				case 3:
					tr.Predict(spec.Data.X, false)
				}
				if _, err := s.Compute(twice, map[string]feed.Array{"x": feed.FromF32(make([]float32, 1000), 1000)}, name); err != nil {
					t.Error(err)
				}
				c.Sessions()
				c.Trainers()
				c.Empty()
				_, leave := c.Join("another")
				leave()
			}
		})
	}
	all.Wait()
	for _, tr := range s.Trainers() {
		tr.Stop()
		if err := tr.Reset(); err != nil {
			t.Fatal(err)
		}
		finish(t, tr, 1)
		if tr.Info().Epoch != 1 {
			t.Errorf("%+v", tr.Info())
		}
	}
	if n := len(c.Sessions()); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// A core that is closed while trainers run ends them, and frees all they have.
func TestCloseWithRunningTrainers(t *testing.T) {
	dev := cpu.New(1)
	c := New(dev)
	var runs []*Run
	for i := range 3 {
		s, leave := c.Join(fmt.Sprint("notebook ", i))
		defer leave()
		tr := declare(t, s, iris(t, s, "a", 0.1), false, "created")
		run, err := tr.Start(1_000_000)
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	if n := len(c.Trainers()); n != 3 {
		t.Errorf("%d trainers", n)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		if run.running() {
			t.Error("a training goes on")
		}
	}
	if n := dev.LiveBytes(); n != 0 {
		t.Errorf("%d bytes are left on the device", n)
	}
}
