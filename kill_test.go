package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// killed is one core after the other at a place, each of which is killed while a
// trainer of it trains.
type killed struct {
	t       *testing.T
	place   wire.Place
	step    int64 // that it must come back with, at least: it was in place in a file
	newest  int64 // that is in a file of the last core
	written bool  // there was a file of it
	lost    []time.Duration
}

// connect reaches the core, which it starts if need be.
func (k *killed) connect() (*wire.Conn, int) {
	k.t.Helper()
	conn, welcome, err := wire.Connect(k.place, &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid(), Session: "/test/book.ipynb"})
	if err != nil {
		k.t.Fatal(err)
	}
	return conn, welcome.PID
}

// ask sends a request whose answer must be a T; nil when the core is gone.
func ask[T any](t *testing.T, conn *wire.Conn, req wire.Message) *T {
	t.Helper()
	m, err := conn.Call(req)
	if p, ok := errors.AsType[*wire.Problem](err); ok {
		t.Fatal(p)
	}
	out, _ := any(m).(*T)
	return out
}

// dropout is the declaration of a small classifier whose steps draw numbers.
func dropout(name string) *wire.Declare {
	state := func(name, init string, shape ...int) *ir.Value {
		return ir.State(name, ir.F32, shape, ir.Attrs{ir.AttrInit: init, ir.AttrTrain: true})
	}
	x := op.Reshape(ir.Input("x", ir.F32, ir.Batch, 8, 8, 1), ir.Shape{ir.Batch, 64})
	h := op.ReLU(op.Add(op.MatMul(x, state("first.kernel", "he_normal", 64, 24), false, false), state("first.bias", "zeros", 24)))
	seed, step := ir.State(ir.StateSeed, ir.I32, ir.Shape{}, nil), ir.State(ir.StateStep, ir.I32, ir.Shape{}, nil)
	keep := op.Lt(op.Random(seed, step, 0, h.Shape), ir.Const(0.7, ir.F32))
	h = op.Phase(op.Select(keep, op.Mul(h, ir.Const(1/0.7, ir.F32)), ir.Const(0, ir.F32)), h)
	y := op.MatMul(h, state("last.kernel", "he_normal", 24, 10), false, false)
	return &wire.Declare{Spec: wire.TrainerSpec{
		Name: name, Model: ir.NewGraph("model", []ir.Output{{Name: "y", Value: y}}, nil).String(), Data: wire.DataRef{Source: "digits"}, Batch: 32, Seed: 7,
		Optimizer: wire.Optimizer{Name: "adam", Settings: []wire.Setting{{Name: "lr", Value: 1e-4}}},
	}}
}

// round has a core train for a random while and kills it then.
func (k *killed) round() {
	conn, pid := k.connect()
	defer conn.Close()
	end := make(chan time.Time, 1)
	time.AfterFunc(time.Duration(rand.IntN(250_000))*time.Microsecond, func() {
		end <- time.Now()
		syscall.Kill(pid, syscall.SIGKILL)
	})
	stop := k.watch()
	var begin time.Time
	if d := ask[wire.Declared](k.t, conn, dropout("a")); d != nil {
		k.came(&d.Info)
		begin = time.Now()
		ask[wire.Trained](k.t, conn, &wire.Train{Trainer: "a", Epochs: forever, Background: true})
	}
	eventually(k.t, "the core to be gone", func() bool { return gone(pid) })
	k.step = max(k.step, stop())
	if last := k.look(); !begin.IsZero() {
		if last.After(begin) {
			begin = last
		}
		k.lost = append(k.lost, (<-end).Sub(begin))
	}
}

// files are where the trainer is written, and the one before.
func (k *killed) files() []string {
	paths, err := filepath.Glob(filepath.Join(k.place.Journal(), "book-*", "a-*.safetensors*"))
	if err != nil {
		k.t.Error(err)
	}
	return slices.DeleteFunc(paths, func(path string) bool { return filepath.Ext(path) == ".at" })
}

// at is where the trainer of a file is.
func at(meta map[string]string) (p struct {
	Time time.Time
	Step int64
}, err error) {
	return p, json.Unmarshal([]byte(meta["position"]), &p)
}

// watch looks at what is written from beside, until it is stopped: what is in place
// is on the disk, and has to come back. It returns the last step that was in place.
func (k *killed) watch() (stop func() int64) {
	done, last := make(chan struct{}), make(chan int64)
	go func() {
		step := int64(0)
		for {
			select {
			case <-done:
				last <- step
				return
			case <-time.After(time.Millisecond):
			}
			for _, path := range k.files() {
				meta, err := checkpoint.ReadMeta(path)
				if errors.Is(err, fs.ErrNotExist) {
					continue // it becomes the one before at this moment
				}
				p, failed := at(meta)
				if err != nil || failed != nil {
					k.t.Error(err, failed)
				}
				step = max(step, p.Step)
			}
		}
	}()
	return func() int64 { close(done); return <-last }
}

// came looks at the trainer as it came back: from no file before the newest that was
// seen. A dying core's last rename may take place after that look.
func (k *killed) came(i *wire.TrainerInfo) {
	if i.Step < max(k.step, k.newest) || k.written && i.Step == 0 || i.Training() {
		k.t.Errorf("step %d was in place, %d is in a file, and it came back as %+v", k.step, k.newest, i)
	}
	if k.step = i.Step; k.step > 0 {
		contains(k.t, "the note", i.Note, "restored from the journal of", "of training w")
	}
}

// look reads what the killed core has left: whole files, one at least. It returns
// the time of the latest.
func (k *killed) look() (last time.Time) {
	paths := k.files()
	for _, path := range paths {
		f, err := checkpoint.Read(path, 0)
		if err != nil {
			k.t.Error(err)
			continue
		}
		p, err := at(f.Meta)
		if err != nil {
			k.t.Error(err)
		}
		if p.Time.After(last) {
			last, k.newest = p.Time, p.Step
		}
	}
	if k.written && len(paths) == 0 {
		k.t.Error("no file is left")
	}
	k.written = k.written || len(paths) > 0
	return last
}

// A core may be killed at any moment: its trainer comes back, never from before
// what was written once, and goes on bit for bit as one that nobody disturbed.
func TestKilledAtAnyMoment(t *testing.T) {
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	t.Setenv("METALNB_JOURNAL", "100ms")
	k := &killed{t: t, place: place(t)}
	for range rounds {
		if k.round(); t.Failed() {
			t.Fatalf("after step %d", k.step)
		}
	}
	conn, _ := k.connect()
	defer conn.Close()
	k.came(&ask[wire.Declared](t, conn, dropout("a")).Info)
	if k.step == 0 {
		t.Fatal("nothing was ever written down")
	}
	a := fitOver(t, conn, "a", 1) // the rest of the epoch under way
	ask[wire.Declared](t, conn, dropout("whole"))
	whole := fitOver(t, conn, "whole", a.Info.Epoch)
	if a.Info.Step != whole.Info.Step || !slices.EqualFunc(a.Epochs, whole.Epochs, func(x, y wire.Epoch) bool { return slices.Equal(x.Train, y.Train) }) {
		t.Errorf("after %d kills the losses of %d epochs are not those of a training that nobody disturbed", rounds, a.Info.Epoch)
	}
	x := wire.Tensor{DType: "f32", Shape: []int{1, 8, 8, 1}, Data: make([]byte, 4*64)}
	y := ask[wire.Tensors](t, conn, &wire.Predict{Trainer: "a", X: x, Raw: true})
	z := ask[wire.Tensors](t, conn, &wire.Predict{Trainer: "whole", X: x, Raw: true})
	if !reflect.DeepEqual(y, z) {
		t.Error("the weights are others")
	}
	slices.Sort(k.lost)
	t.Logf("%d kills, %d steps, %d epochs; lost of a training: %v (median), %v (most)",
		rounds, a.Info.Step, a.Info.Epoch, k.lost[len(k.lost)/2], k.lost[len(k.lost)-1])
}

// fitOver trains for some epochs and returns what came of it.
func fitOver(t *testing.T, conn *wire.Conn, name string, epochs int) *wire.Run {
	t.Helper()
	if err := conn.Send(&wire.Train{Trainer: name, Epochs: epochs}); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := conn.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := m.(*wire.Trained); ok {
			return ask[wire.Run](t, conn, &wire.AskTrainer{Trainer: name})
		}
	}
}

// `metalnb stop` writes down what there is, and the next core has it; it does not
// stop a training, or forget data that no trainer needs, unless it must.
func TestStopWritesDown(t *testing.T) {
	p := place(t)
	next(t, lines(t, start(t, p, "start-training", "a")))
	_, errs, code := metalnb(t, p, "stop")
	if code != 1 {
		t.Error("a training was stopped")
	}
	contains(t, "stop", errs, `trainer "a" (training, `, "lose or stop", "--force")
	status, _, _ := metalnb(t, p, "status")
	contains(t, "status", status, "journal every 15s in "+p.Journal())
	if _, _, code := metalnb(t, p, "stop", "--force"); code != 0 {
		t.Error("it was not stopped by force")
	}
	before, running := where(t, p, "a")
	if before == 0 || running {
		t.Errorf("after %d steps it trains: %v", before, running)
	}
	if out, errs, code := metalnb(t, p, "stop"); code != 0 {
		t.Error(out, errs)
	}
	if steps, _ := where(t, p, "a"); steps != before {
		t.Errorf("it had taken %d steps, and has %d", before, steps)
	}
}
