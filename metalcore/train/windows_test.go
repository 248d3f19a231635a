package train

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// rowSource makes the rows of a set that is in memory, some of them not.
type rowSource struct {
	*feed.Set
	bad  atomic.Int64 // the number of a row that is faulty, -1 for none
	slow chan struct{}
}

func (s *rowSource) Read(ctx context.Context, i int, x, _ []byte) error {
	if s.slow != nil {
		select {
		case <-s.slow:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	copy(x, s.X.Row(i).Data)
	if int(s.bad.Load()) == i {
		return errors.New("it is torn")
	}
	return nil
}

// sourced makes a set whose rows come from a source.
func sourced(t *testing.T, set *feed.Set) (*feed.Set, *rowSource) {
	t.Helper()
	src := &rowSource{Set: set}
	src.bad.Store(-1)
	x := set.X
	x.Data = nil
	out, err := feed.NewSourced(set.Name, src, x, set.Y, set.Classes)
	if err != nil {
		t.Fatal(err)
	}
	return out, src
}

// Training on windows gives the same weights and measures, bit for bit, as
// training on data that lies on the device; for each optimizer's kind of step.
func TestWindowsAreLikeTheWhole(t *testing.T) {
	dev := device(t)
	for _, o := range []optim.Optimizer{optimizer(t, "adam", 0.01), optimizer(t, "lbfgs", 1)} {
		spec := irisSpec(t)
		spec.Optimizer, spec.Batch = o, 9
		whole := trainer(t, dev, spec)
		fit(t, whole, 3)
		spec.Data, _ = sourced(t, spec.Data)
		spec.Valid, _ = sourced(t, spec.Valid)
		for _, batches := range []int{0, 1, 2, 5, 100} {
			spec.Window = batches * spec.Batch
			tr := trainer(t, dev, spec)
			fit(t, tr, 2)
			fit(t, tr, 1)
			if weights(t, tr) != weights(t, whole) {
				t.Errorf("%s: windows of %d batches give other weights", o.Name(), batches)
			}
			sameHistory(t, whole, tr)
		}
	}
}

func TestWindowsStoppedAnywhereGoOnExactly(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	whole := trainer(t, dev, spec)
	fit(t, whole, 3)
	spec.Data, _ = sourced(t, spec.Data)
	spec.Window = 2 * spec.Batch
	for at := int64(1); at < whole.Info().Step; at++ {
		tr := trainer(t, dev, spec)
		stopAt(t, tr, at)
		finish(t, tr)
		if weights(t, tr) != weights(t, whole) {
			t.Errorf("stopped after step %d, the weights became others", at)
		}
		tr.Close()
	}
}

// A faulty row ends the training with its name, before it has changed anything
// of its window; when it is mended training goes on.
func TestFaultyRowInTraining(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	whole := trainer(t, dev, spec)
	fit(t, whole, 2)
	data, src := sourced(t, spec.Data)
	spec.Data, spec.Window = data, spec.Batch
	tr := trainer(t, dev, spec)
	src.bad.Store(11)
	err := tr.Train(context.Background(), 2)
	if fault, ok := errors.AsType[*feed.RowError](err); !ok || fault.Row != 11 || tr.Info().State != Failed || !strings.Contains(tr.Info().Note, "row 11: it is torn") {
		t.Fatalf("got %v, and the trainer is %v", err, tr.Info())
	}
	src.bad.Store(-1)
	fit(t, tr, 2)
	if weights(t, tr) != weights(t, whole) {
		t.Error("after the fault the weights are others")
	}
}

// A row that is skipped counts like one of weight 0.
func TestSkippedRowInTraining(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	weighted, err := spec.Data.Rows(spec.Data.Name, allRows(spec.Data.Len()))
	if err != nil {
		t.Fatal(err)
	}
	ones := make([]float32, weighted.Len())
	for i := range ones {
		ones[i] = 1
	}
	ones[11] = 0
	weighted.W = feed.FromF32(ones, len(ones))
	data, src := sourced(t, spec.Data)
	data.Skip = true
	src.bad.Store(11)
	spec.Data = weighted
	want := trainer(t, dev, spec)
	spec.Data, spec.Window = data, 2*spec.Batch
	got := trainer(t, dev, spec)
	fit(t, want, 2)
	fit(t, got, 2)
	if weights(t, want) != weights(t, got) {
		t.Error("the weights are not those of a row that counts nothing")
	}
	if data.Faults() != 1 {
		t.Errorf("%d rows were skipped", data.Faults())
	}
}

func allRows(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// A training that waits for data can be stopped, and is measured meanwhile.
func TestStopWhileWaitingForData(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	valid := spec.Valid
	data, src := sourced(t, spec.Data)
	src.slow = make(chan struct{})
	spec.Data, spec.Window = data, spec.Batch
	tr := trainer(t, dev, spec)
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- tr.Train(ctx, 1) }()
	for range spec.Batch + 1 { // one step, and then it waits
		src.slow <- struct{}{}
	}
	for tr.Info().Step < 1 {
		time.Sleep(time.Millisecond)
	}
	if _, _, err := tr.Evaluate(context.Background(), valid); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || tr.Info().EpochStep != 1 {
		t.Errorf("got %v after %d steps", err, tr.Info().EpochStep)
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// A snapshot taken within a window goes on in a trainer that has none of it.
func TestSnapshotWithinWindows(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	spec.Mixup = 0.3
	whole := trainer(t, dev, spec)
	fit(t, whole, 3)
	spec.Data, _ = sourced(t, spec.Data)
	spec.Window = 3 * spec.Batch
	for _, at := range []int64{1, 4, 8, 10, 15} {
		tr, other := trainer(t, dev, spec), trainer(t, dev, spec)
		stopAt(t, tr, at)
		s, err := tr.Snapshot(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Restore(s); err != nil {
			t.Fatal(err)
		}
		finish(t, other)
		if weights(t, other) != weights(t, whole) {
			t.Errorf("restored after step %d, the weights became others", at)
		}
	}
}

// little is a device with room for a part of the data only.
type little struct {
	backend.Device
	memory int64
}

func (l little) Info() backend.Info {
	i := l.Device.Info()
	i.Memory = l.memory
	return i
}

// Data in memory that is too large for a device is trained and measured on in
// windows, unasked.
func TestTooLargeForTheDevice(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	whole := trainer(t, dev, spec)
	fit(t, whole, 2)
	tr := trainer(t, little{dev, 4000}, spec) // the data has 2400 bytes
	if tr.machine.spec.Window == 0 {
		t.Error("the data lies on the device whole")
	}
	if _, err := New(little{dev, 1000}, spec); err == nil || !strings.Contains(err.Error(), "two times 16 rows of 20 bytes are too much") {
		t.Errorf("got %v", err)
	}
	fit(t, tr, 2)
	if weights(t, tr) != weights(t, whole) {
		t.Error("the weights are others")
	}
	sameHistory(t, whole, tr)
	if roomy := trainer(t, little{dev, 1 << 30}, spec); roomy.machine.spec.Window != 0 {
		t.Error("data that fits comes in windows")
	}
}

// A training on windows that is stopped again and again, at any moment, comes to
// the same end and leaves nothing running.
func TestWindowsStoppedAtAnyMoment(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	whole := trainer(t, dev, spec)
	spec.Data, _ = sourced(t, spec.Data)
	spec.Valid, _ = sourced(t, spec.Valid)
	spec.Window = 2 * spec.Batch
	tr := trainer(t, dev, spec)
	before := runtime.NumGoroutine()
	for tr.Info().Epoch < 20 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(3000))*time.Microsecond)
		tr.Train(ctx, 100)
		cancel()
	}
	fit(t, tr, 1) // to the end of an epoch
	fit(t, whole, tr.Info().Epoch)
	if weights(t, tr) != weights(t, whole) {
		t.Error("the weights are others")
	}
	sameHistory(t, whole, tr)
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// A step is explained while windows come and go.
func TestExplainWithinWindows(t *testing.T) {
	spec := irisSpec(t)
	spec.Data, _ = sourced(t, spec.Data)
	spec.Window = spec.Batch
	tr := trainer(t, device(t), spec)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- tr.Train(ctx, 1_000_000) }()
	for range 5 {
		if _, err := tr.Explain(t.Context(), compile.Options{}); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
