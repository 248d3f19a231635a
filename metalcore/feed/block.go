package feed

import (
	"context"
	"runtime"
	"sync"
)

// block is memory for some rows.
type block struct {
	window  Window
	x, y, w []byte // w is nil where all rows count the same
}

func (s *Set) block(rows int) *block {
	b := &block{x: make([]byte, rows*s.X.rowBytes()), y: make([]byte, rows*s.Y.rowBytes())}
	if s.Weighted() {
		b.w = make([]byte, rows*weightBytes)
	}
	return b
}

// fill reads the rows of a block's window and returns the places of those that
// were skipped, in no order. Each worker takes the next few rows that nobody
// has; of several errors the first row's counts.
func (s *Set) fill(ctx context.Context, b *block, workers int) (skipped []int, err error) {
	const few = 8
	var (
		mu    sync.Mutex
		taken int
		first = len(b.window.Rows) // place of the first error
		wg    sync.WaitGroup
	)
	take := func() (from, to int) {
		mu.Lock()
		defer mu.Unlock()
		from = min(taken, first)
		taken = min(from+few, first)
		return from, taken
	}
	note := func(at int, ok bool, fault error) {
		mu.Lock()
		defer mu.Unlock()
		if fault == nil && !ok {
			skipped = append(skipped, at)
		} else if fault != nil && at < first {
			first, err = at, fault
		}
	}
	work := func() {
		for from, to := take(); from < to; from, to = take() {
			for at := from; at < to; at++ {
				ok, fault := s.place(ctx, b, at)
				if note(at, ok, fault); fault != nil {
					break
				}
			}
		}
	}
	if src, ok := s.Source.(InOrder); ok && first > 0 {
		src.Expect(int(b.window.Rows[0]), first)
	}
	for range min(s.workers(workers), (first+few-1)/few) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return skipped, err
}

// workers is the number of goroutines that read rows, where n or, for 0, as many
// as there are processors are wanted.
func (s *Set) workers(n int) int {
	switch {
	case s.InOrder():
		return 1
	case n == 0:
		return runtime.GOMAXPROCS(0)
	}
	return n
}

// place reads one row to its place in a block.
func (s *Set) place(ctx context.Context, b *block, at int) (ok bool, err error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	var w []byte
	if b.w != nil {
		w = part(b.w, at, weightBytes)
	}
	return s.row(ctx, int(b.window.Rows[at]), part(b.x, at, s.X.rowBytes()), part(b.y, at, s.Y.rowBytes()), w)
}

// part is element i of elements of a size.
func part(data []byte, i, size int) []byte { return data[i*size : (i+1)*size] }
