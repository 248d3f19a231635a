package feed

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/metalnb/metalnb/metalcore/backend"
)

// windowBytes is about the size of a window: many steps, so that uploading it
// is one large copy, and little beside a device's memory, at most one part of
// windowShare.
const (
	windowBytes = 32 << 20
	windowShare = 16
)

// streamBatches is how many batches a window of a stream has at most: the program
// that makes the rows may be slow, and what it has made waits for a full window.
const streamBatches = 64

// residentShare is the part of a device's memory that a set may take to lie
// there whole.
const residentShare = 2

// WindowRows is how many rows of a set a device with that much memory gets at a
// time, a multiple of batch; 0 says all: of a set that is in memory and fits. It
// changes no order: windows are cut out of that of the epoch.
func WindowRows(s *Set, batch int, memory int64) int {
	if s.Source == nil && (memory == 0 || s.Bytes() <= memory/residentShare) {
		return 0
	}
	size := int64(windowBytes)
	if memory > 0 {
		size = min(size, memory/windowShare)
	}
	batches := min(int(size/s.rowSize())/batch, (s.Len()+batch-1)/batch)
	if s.InOrder() {
		batches = min(batches, streamBatches)
	}
	return batch * max(1, batches)
}

// Windows makes room on the device for two windows of a set, each of the given
// number of rows: while one is trained on, the other is filled.
func Windows(dev backend.Device, s *Set, rows int) (*Resident, error) {
	dev = backend.For(dev, s.Owner())
	r := &Resident{Set: s, Window: rows, dev: dev, refs: 1}
	if memory := dev.Info().Memory; memory > 0 && s.rowSize() > memory/residentShare/int64(2*rows) {
		return nil, fmt.Errorf("data %q: two times %d rows of %d bytes are too much for the %.3g GB of the device: use a smaller batch", s.Name, rows, s.rowSize(), float64(memory)/1e9)
	}
	for i := range r.tables {
		if err := r.tables[i].alloc(dev, s, int64(rows)); err != nil {
			r.free()
			return nil, fmt.Errorf("data %q: two windows of %d rows: %w", s.Name, rows, err)
		}
	}
	return r, nil
}

// alloc makes room for some rows.
func (t *Table) alloc(dev backend.Device, s *Set, rows int64) (err error) {
	if t.X, err = dev.Alloc(rows * int64(s.X.rowBytes())); err != nil {
		return err
	}
	if t.Y, err = dev.Alloc(rows * int64(s.Y.rowBytes())); err != nil || !s.Weighted() {
		return err
	}
	t.W, err = dev.Alloc(rows * weightBytes)
	return err
}

// Window is a window's rows, in the order in which they lie on the device.
type Window struct {
	Number int
	Rows   []int32
}

// Pipe fills the windows of a set on a device ahead of who trains on them:
// workers read rows into memory, and what is complete is uploaded while the
// window before it is in use.
type Pipe struct {
	r       *Resident
	ctx     context.Context
	stop    context.CancelCauseFunc
	done    sync.WaitGroup
	blocks  chan *block // memory to be filled
	filled  chan *block // in the order of the windows
	room    chan struct{}
	ready   chan Window
	current bool // a window is in use

	mu    sync.Mutex
	fault error // that ended it, after the windows before
}

// depth is how many windows are in memory, on their way to the device.
const depth = 2

// Pipe begins to fill windows, which next names one after the other until it
// says that there are no more. The number of workers changes nothing but the
// speed; 0 is one for each processor.
func (r *Resident) Pipe(workers int, next func() (Window, bool)) *Pipe {
	p := &Pipe{r: r, blocks: make(chan *block, depth), filled: make(chan *block, depth), room: make(chan struct{}, 2), ready: make(chan Window, 2)}
	p.ctx, p.stop = context.WithCancelCause(context.Background())
	for range depth {
		p.blocks <- r.Set.block(r.Window)
	}
	p.room <- struct{}{}
	p.room <- struct{}{}
	p.done.Go(func() { p.read(workers, next) })
	p.done.Go(p.upload)
	return p
}

// Next gives up the window in use and returns the next one when it is on the
// device; at the end it returns one without rows. The error is that of the first
// row that could not be read, when its window's turn has come, or of ctx.
func (p *Pipe) Next(ctx context.Context) (Window, error) {
	if p.current {
		p.current = false
		p.room <- struct{}{}
	}
	select {
	case w, ok := <-p.ready:
		if ok {
			p.current = true
			return w, nil
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		return w, p.fault
	case <-ctx.Done():
		return Window{}, ctx.Err()
	}
}

// Close ends the reading, wherever it is, and waits until all memory is free.
func (p *Pipe) Close() {
	p.stop(errors.New("the pipe was closed"))
	p.done.Wait()
}

// fail keeps the first error.
func (p *Pipe) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault == nil {
		p.fault = err
	}
}

// read fills blocks, one after the other.
func (p *Pipe) read(workers int, next func() (Window, bool)) {
	defer close(p.filled)
	for {
		w, ok := next()
		if !ok {
			return
		}
		select {
		case b := <-p.blocks:
			b.window = w
			if _, err := p.r.Set.fill(p.ctx, b, workers); err != nil {
				p.fail(err)
				return
			}
			p.filled <- b // has room for all blocks
		case <-p.ctx.Done():
			return
		}
	}
}

// upload copies what is filled to the device, as there is room.
func (p *Pipe) upload() {
	defer close(p.ready)
	for b := range p.filled {
		select {
		case <-p.room:
		case <-p.ctx.Done():
			return
		}
		if err := p.r.put(b); err != nil {
			p.fail(err)
			p.stop(err)
			return
		}
		p.ready <- b.window // has room for all windows
		p.blocks <- b
	}
}

// put uploads a window to its table, which no step reads meanwhile.
func (r *Resident) put(b *block) error {
	n, to := len(b.window.Rows), r.Table(b.window.Number)
	err := to.X.Upload(0, b.x[:n*r.Set.X.rowBytes()])
	if err == nil {
		err = to.Y.Upload(0, b.y[:n*r.Set.Y.rowBytes()])
	}
	if err == nil && to.W != nil {
		err = to.W.Upload(0, b.w[:n*weightBytes])
	}
	if err != nil {
		return fmt.Errorf("data %q: %w", r.Set.Name, err)
	}
	return nil
}

// Place brings a set to the device: whole, or, when window is not 0, with room
// for two windows of that many rows. The caller releases it when done.
func Place(dev backend.Device, s *Set, window int) (*Resident, error) {
	if window == 0 {
		return Upload(dev, s)
	}
	return Windows(dev, s, window)
}

// Ascending are the numbers 0 to n-1.
func Ascending(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// InTurn names the windows of n rows in their order, once.
func InTurn(n, window int) func() (Window, bool) {
	number, rows := 0, Ascending(n)
	return func() (Window, bool) {
		at := number * window
		number++
		if at >= n {
			return Window{}, false
		}
		return Window{Number: number - 1, Rows: rows[at:min(at+window, n)]}, true
	}
}
