package runtime

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/plan"
	"github.com/metalnb/metalnb/metalcore/train"
)

// frail is a device that spoils the states of a run, and fails, when the count of
// its runs comes down to 0.
type frail struct {
	*cpu.Device
	left atomic.Int64
	gone atomic.Bool // nothing works any more
}

var errFrail = errors.New("the bus is on fire")

type frailExecutable struct {
	backend.Executable
	dev *frail
}

type failed struct{}

func (failed) Wait() error { return errFrail }

func (d *frail) Compile(p *plan.Program) (backend.Executable, error) {
	x, err := d.Device.Compile(p)
	return &frailExecutable{x, d}, err
}

func (d *frail) Alloc(bytes int64) (backend.Buffer, error) {
	b, err := d.Device.Alloc(bytes)
	return &frailBuffer{b, d}, err
}

type frailBuffer struct {
	backend.Buffer
	dev *frail
}

func (b *frailBuffer) Upload(offset int64, src []byte) error {
	if b.dev.gone.Load() {
		return errFrail
	}
	return b.Buffer.Upload(offset, src)
}

func (x *frailExecutable) Submit(b backend.Bindings, steps int) backend.Completion {
	var plain backend.Bindings
	for _, list := range []struct{ from, to *[]backend.Buffer }{{&b.Inputs, &plain.Inputs}, {&b.States, &plain.States}, {&b.Outputs, &plain.Outputs}} {
		for _, buf := range *list.from {
			*list.to = append(*list.to, buf.(*frailBuffer).Buffer)
		}
	}
	if x.dev.left.Add(-1) != 0 {
		return x.Executable.Submit(plain, steps)
	}
	x.Executable.Submit(plain, 1).Wait()
	for _, buf := range plain.States {
		rubbish := make([]byte, buf.Len())
		for i := range rubbish {
			rubbish[i] = 0x7f
		}
		buf.Upload(0, rubbish)
	}
	return failed{}
}

// A device that fails costs what was trained since the last snapshot, and neither
// the core nor the trainer, which goes on as if nothing had been.
func TestDeviceFails(t *testing.T) {
	dev := &frail{Device: cpu.New(1)}
	c, log := New(dev), &logged{}
	c.Keep(JournalOptions{Dir: t.TempDir(), Every: time.Hour, Declaration: declaration, Log: log.Printf})
	defer c.Close()
	s, _ := c.Join("notebook")
	tr := keptTrainer(t, s, "0.01 iris", "created")
	breaks := func(epochs int, runs int64) *Run {
		t.Helper()
		dev.left.Store(runs)
		run, err := tr.Start(epochs)
		if err != nil {
			t.Fatal(err)
		}
		<-run.Done()
		return run
	}
	first := numbersOf(t, tr)
	fails(t, breaks(2, 2).Err(), Resource, "the bus is on fire", "back at step 0", "t.Fit goes on from there")
	if i := tr.Info(); i.Step != 0 || i.State != train.Declared || numbersOf(t, tr) != first {
		t.Errorf("after a failure in the first training: %+v", i)
	}
	says(t, "the note", tr.Info().Note, "the device failed: the bus is on fire near step 2; the trainer is back at step 0 (epoch 1, step 0 of 8)")
	finish(t, tr, 3)
	fails(t, breaks(3, 5).Err(), Resource, "the trainer is back at step ")
	i := tr.Info()
	if i.Step < 24 || i.State.Training() {
		t.Errorf("after a failure in the second training: %+v", i)
	}
	more := 6 - i.Epoch
	if i.EpochStep == i.StepsPerEpoch {
		more--
	}
	finish(t, tr, more)
	got, history := numbersOf(t, tr), tr.History()

	whole := New(cpu.New(1))
	defer whole.Close()
	ws, _ := whole.Join("notebook")
	reference := keptTrainer(t, ws, "0.01 iris", "created")
	finish(t, reference, 6)
	if numbersOf(t, reference) != got || len(history) != 6 {
		t.Errorf("after %d epochs and two failures the weights are others", len(history))
	}

	dev.gone.Store(true)
	if run, err := tr.Start(1); err != nil {
		t.Fatal(err)
	} else if <-run.Done(); run.Err() == nil {
		t.Error("a device that is gone trained")
	}
	if i := tr.Info(); i.State != train.Failed {
		t.Errorf("on a device that is gone: %+v", i)
	}
	dev.gone.Store(false)
	if err := tr.Reset(); err != nil {
		t.Fatal(err)
	}
	finish(t, tr, 6)
	if numbersOf(t, tr) != got {
		t.Error("the weights after a reset are others")
	}
}
