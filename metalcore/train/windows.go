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
// training that goes on begins with the window in which it stopped. Their size
// changes no order, and so no result.
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
	order := make([]int32, 0, m.spec.Data.Len())
	for step := 0; step < m.stepsPerEpoch(); {
		s := m.span(step)
		from, to := m.rows(s)
		order = append(order, feed.Ascending(to-from)...)
		step = s.end
	}
	return order
}

// span is the steps of an epoch that one of its windows is for.
type span struct{ window, first, end int }

// streamSteps is how many steps the first window of an epoch of a stream is for, so
// that they need not wait for many rows. Each of the next ones is twice as large,
// up to a full one.
const streamSteps = 8

// span is the one with the given step, a whole epoch without windows.
func (m *machine) span(step int) (s span) {
	if m.spec.Window == 0 {
		return span{end: m.stepsPerEpoch()}
	}
	full := m.spec.Window / m.spec.batch()
	size := full
	if m.spec.Data.InOrder() {
		size = min(streamSteps, full)
	}
	for size < full && step >= s.first+size {
		s.window, s.first, size = s.window+1, s.first+size, min(2*size, full)
	}
	n := (step - s.first) / size
	s.window, s.first = s.window+n, s.first+n*size
	s.end = min(s.first+size, m.stepsPerEpoch())
	return s
}

// rows are those of the steps in the order of the epoch.
func (m *machine) rows(s span) (from, to int) {
	return s.first * m.spec.batch(), min(s.end*m.spec.batch(), m.spec.Data.Len())
}

// windowNumber counts the windows of all epochs.
func (m *machine) windowNumber(epoch, window int) int {
	return epoch*(m.span(m.stepsPerEpoch()-1).window+1) + window
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
	want := m.windowNumber(epoch, m.span(epochStep).window)
	if m.windows.pipe == nil {
		m.windows = windows{pipe: m.data.Pipe(0, m.from(epoch, epochStep, goal)), number: -1, goal: goal}
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

// from names the windows from that of a step of an epoch on up to the goal.
func (m *machine) from(epoch, step, goal int) func() (feed.Window, bool) {
	var order []int32
	return func() (feed.Window, bool) {
		if step >= m.stepsPerEpoch() {
			epoch, step, order = epoch+1, 0, nil
		}
		if epoch >= goal {
			return feed.Window{}, false
		}
		if order == nil {
			order = m.spec.rowOrder(epoch)
		}
		s := m.span(step)
		from, to := m.rows(s)
		step = s.end
		return feed.Window{Number: m.windowNumber(epoch, s.window), Rows: order[from:to]}, true
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
