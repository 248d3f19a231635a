package train

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// streamed is a set of n rows that a program makes by repeating those of another one:
// it waits before each until it may.
func streamed(t *testing.T, set *feed.Set, n int, may func(ctx context.Context) error) *feed.Set {
	t.Helper()
	row := func(a feed.Array, i int) []byte { return a.Row(i % set.Len()).Data }
	s := feed.NewStream(len(row(set.X, 0)), len(row(set.Y, 0)))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	maker := s.Attach()
	go func() {
		defer close(done)
		defer maker.Leave()
		for {
			want, ok, err := maker.Wanted(ctx)
			if err != nil || !ok {
				return
			}
			var x, y []byte
			for i := want.From; i < min(want.From+want.Rows, n); i++ {
				if may(ctx) != nil {
					return
				}
				x, y = append(x, row(set.X, i)...), append(y, row(set.Y, i)...)
			}
			if err := maker.Put(want.From, x, y, nil); err != nil {
				t.Error(err)
			}
		}
	}()
	shape := func(a feed.Array) feed.Array {
		return feed.Array{DType: a.DType, Shape: append(ir.Shape{n}, a.Shape[1:]...)}
	}
	out, err := feed.NewSourced(set.Name, s, shape(set.X), shape(set.Y), set.Classes)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Training begins with the first rows of a stream, and takes all steps whose windows
// are there, while the program still makes the rest of the epoch.
func TestStreamBeginsWithItsFirstRows(t *testing.T) {
	for _, c := range []struct{ batches, steps int64 }{{8, 8}, {23, 8}, {24, 24}, {120, 120}, {183, 120}, {184, 184}} {
		spec := irisSpec(t)
		spec.Valid = nil
		rows := int(c.batches) * spec.Batch
		spec.Data = streamed(t, spec.Data, 100_000, func(ctx context.Context) error {
			if rows--; rows < 0 {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		tr := trainer(t, device(t), spec)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		done := make(chan error)
		go func() { done <- tr.Train(ctx, 1) }()
		for tr.Info().Step < c.steps && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) || tr.Info().Step != c.steps {
			t.Errorf("%d steps of the rows of %d, want %d: %v", tr.Info().Step, c.batches, c.steps, err)
		}
	}
}

// A stream gives the same weights as its rows in memory in their order, also when
// training stops within a window.
func TestStreamIsLikeTheWhole(t *testing.T) {
	dev, spec := device(t), irisSpec(t)
	spec.Ordered, spec.Batch = true, 1
	whole := trainer(t, dev, spec)
	fit(t, whole, 3)
	spec.Data = streamed(t, spec.Data, spec.Data.Len(), func(context.Context) error { return nil })
	tr := trainer(t, dev, spec)
	stopAt(t, tr, 31)
	finish(t, tr)
	if weights(t, tr) != weights(t, whole) {
		t.Error("the weights became others")
	}
}
