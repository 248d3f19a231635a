package train

import (
	"context"
	"errors"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/plan"
)

var errFull = errors.New("out of memory")

// tight is a device on which the allocation or compilation of a given number
// fails.
type tight struct {
	*cpu.Device
	count, failAt int
}

func (d *tight) full() bool { d.count++; return d.count == d.failAt }

func (d *tight) Alloc(n int64) (backend.Buffer, error) {
	if d.full() {
		return nil, errFull
	}
	return d.Device.Alloc(n)
}

func (d *tight) Compile(p *plan.Program) (backend.Executable, error) {
	if d.full() {
		return nil, errFull
	}
	return d.Device.Compile(p)
}

// Whatever allocation fails, the error tells it, nothing is left behind, and
// the same call succeeds once there is memory.
func TestMemoryRunsOut(t *testing.T) {
	dev := cpu.New(1)
	defer dev.Close()
	spec := irisSpec(t)
	// After a validation that failed, another Train completes that epoch and
	// trains one more: the weights wanted are those of one or of two epochs.
	wants := map[int]string{}
	for epoch := 1; epoch <= 2; epoch++ {
		tr := trainer(t, dev, spec)
		fit(t, tr, epoch)
		wants[epoch] = weights(t, tr)
		tr.Close()
	}
	whole := func(d backend.Device) error {
		tr, err := New(d, spec)
		if err != nil {
			return err
		}
		defer tr.Close()
		defer func() {
			if weights(t, tr) != wants[tr.Info().Epoch] {
				t.Errorf("after %d epochs the weights are others", tr.Info().Epoch)
			}
		}()
		if err := tr.Train(context.Background(), 1); err != nil {
			if again := tr.Train(context.Background(), 1); again != nil {
				t.Errorf("training does not go on: %v", again)
			}
			return err
		}
		if _, err := tr.Predict(feed.FromF32([]float32{1, 2, 3, 4}, 1, 4), false); err != nil {
			return err
		}
		return nil
	}
	failures := 0
	for err := errFull; err != nil && failures < 1000; failures++ {
		err = whole(&tight{Device: dev, failAt: failures + 1})
		if err != nil && !errors.Is(err, errFull) {
			t.Errorf("failure %d: got %v", failures, err)
		}
		if n := live(dev); n != 0 {
			t.Fatalf("failure %d left %d bytes", failures, n)
		}
	}
	if failures < 30 {
		t.Errorf("only %d places can fail", failures)
	}
}
