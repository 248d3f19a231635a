package train

import (
	"context"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
)

// Data that does not lie on the device whole comes to it in windows of some
// batches: while the steps of one are taken, package feed fills the other. The
// step program is the same as ever, and reads the one window or the other in
// place of the whole data; the list of the epoch's rows says where in it they are. Which rows
// a window has follows from its number, the seed and the epoch, so that a
// training that goes on begins with the window in which it stopped.
type windows struct {
	pipe   *feed.Pipe // of the run under way
	number int        // of the window in use
	goal   int        // the epoch up to which it reads
}

// tables are the buffers of the data, or of its window of the given number.
func tables(r *feed.Resident, window int) map[string]backend.Buffer {
	t := r.Table(window)
	return map[string]backend.Buffer{nameX: t.X, nameY: t.Y, nameW: t.W}
}

// dataTables are those that the next steps read.
func (m *machine) dataTables() map[string]backend.Buffer {
	return tables(m.data, max(m.windows.number, 0))
}

// use has a program read other tables than it was compiled for.
func (p *program) use(tables map[string]backend.Buffer) {
	for i, name := range p.inputs {
		if buf := tables[name]; buf != nil {
			p.bind.Inputs[i] = buf
		}
	}
}

// place brings a set to the device, whole, or with room for windows of some
// batches of it.
func (m *machine) place(set *feed.Set, batch int) (*feed.Resident, error) {
	return feed.Place(m.mem.dev, set, feed.WindowRows(set, batch, m.mem.dev.Info().Memory))
}

// rowOrder lists the rows of an epoch in the order of training.
func (s *Spec) rowOrder(epoch int) []int32 {
	if s.Ordered || s.Data.InOrder() {
		return feed.Ascending(s.Data.Len())
	}
	return feed.Permutation(s.Data.Len(), s.Seed, uint64(epoch))
}

// tableOrder says where on the device the rows of an epoch lie.
func (m *machine) tableOrder(epoch int) []int32 {
	if m.spec.Window == 0 {
		return m.spec.rowOrder(epoch)
	}
	order := feed.Ascending(m.spec.Data.Len())
	for i := range order {
		order[i] = int32(i % m.spec.Window)
	}
	return order
}

// windowNumber counts the windows of all epochs.
func (m *machine) windowNumber(epoch, window int) int {
	perEpoch := (m.spec.Data.Len() + m.spec.Window - 1) / m.spec.Window
	return epoch*perEpoch + window
}

// windowSteps is the number of steps that a full window is for, a whole epoch
// without windows.
func (m *machine) windowSteps() int {
	if m.spec.Window == 0 {
		return m.stepsPerEpoch()
	}
	return m.spec.Window / m.spec.batch()
}

// await returns when the rows of the given step are on the device. Windows up to
// the end of the goal, an epoch, are read ahead.
func (m *machine) await(ctx context.Context, epoch, epochStep, goal int) error {
	if m.spec.Window == 0 {
		return nil
	}
	if m.windows.goal != goal {
		m.drain() // it has moved
	}
	first := epochStep / m.windowSteps()
	want := m.windowNumber(epoch, first)
	if m.windows.pipe == nil {
		m.windows = windows{pipe: m.data.Pipe(0, m.from(epoch, first, goal)), number: -1, goal: goal}
	}
	for m.windows.number != want {
		w, err := m.windows.pipe.Next(ctx)
		if err != nil {
			return err
		}
		m.windows.number = w.Number
	}
	return nil
}

// from names the windows from one of an epoch on up to the goal.
func (m *machine) from(epoch, window, goal int) func() (feed.Window, bool) {
	var order []int32
	size := m.spec.Window
	return func() (feed.Window, bool) {
		if window*size >= m.spec.Data.Len() {
			epoch, window, order = epoch+1, 0, nil
		}
		if epoch >= goal {
			return feed.Window{}, false
		}
		if order == nil {
			order = m.spec.rowOrder(epoch)
		}
		w := feed.Window{Number: m.windowNumber(epoch, window), Rows: order[window*size : min((window+1)*size, len(order))]}
		window++
		return w, true
	}
}

// drain ends the reading of windows.
func (m *machine) drain() {
	if m.windows.pipe != nil {
		m.windows.pipe.Close()
	}
	m.windows = windows{}
}

// await waits for the rows of the next step, without holding the device, and
// counts that as time of the run.
func (t *Trainer) await(r *run) error {
	start := time.Now()
	t.mu.Lock()
	goal := t.goal
	t.mu.Unlock()
	if err := t.machine.await(r.ctx, t.epoch, t.epochStep, goal); err != nil {
		return t.stopError(r, err)
	}
	if t.machine.spec.Window > 0 {
		took := time.Since(start).Seconds()
		t.mu.Lock()
		r.seconds += took
		t.epochTime += took
		t.mu.Unlock()
	}
	return nil
}
