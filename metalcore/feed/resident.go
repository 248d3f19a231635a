package feed

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/backend"
)

// Resident is a set on a device. All that use the set there share one copy,
// which is freed when the last of them has released it. Or it is room for two
// windows of the set, which each user has for itself.
type Resident struct {
	Set    *Set
	Window int // rows of a window; 0 when all rows are there

	tables [2]Table // of the windows by turns; only the first one if all rows are there

	dev  backend.Device
	refs int // guarded by Set.mu
}

// Owner is the owner of the set's memory on a device.
func (s *Set) Owner() backend.Owner {
	return backend.Owner{Kind: "data", Session: s.Session, Name: s.Name}
}

// Table is the rows of a set, or of a window of it, on a device.
type Table struct {
	X, Y backend.Buffer
	W    backend.Buffer // nil without weights
}

// Table is where the rows of the window of that number lie; all rows, if they are
// on the device.
func (r *Resident) Table(window int) Table {
	if r.Window == 0 {
		return r.tables[0]
	}
	return r.tables[window%2]
}

// Upload returns the device's copy of the set, making it if there is none. The
// caller releases it when done.
func Upload(dev backend.Device, s *Set) (*Resident, error) {
	dev = backend.For(dev, s.Owner())
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.resident[dev]; r != nil {
		r.refs++
		return r, nil
	}
	x, err := upload(dev, s.X)
	if err != nil {
		return nil, fmt.Errorf("data %q: x: %w", s.Name, err)
	}
	y, err := upload(dev, s.Y)
	if err != nil {
		x.Free()
		return nil, fmt.Errorf("data %q: y: %w", s.Name, err)
	}
	all := Table{X: x, Y: y}
	if s.Weighted() {
		if all.W, err = upload(dev, s.W); err != nil {
			all.free()
			return nil, fmt.Errorf("data %q: weights: %w", s.Name, err)
		}
	}
	r := &Resident{Set: s, tables: [2]Table{all}, dev: dev, refs: 1}
	if s.resident == nil {
		s.resident = map[backend.Device]*Resident{}
	}
	s.resident[dev] = r
	return r, nil
}

// Release gives up one use of the copy.
func (r *Resident) Release() {
	r.Set.mu.Lock()
	defer r.Set.mu.Unlock()
	if r.refs--; r.refs > 0 {
		return
	}
	if r.Window == 0 {
		delete(r.Set.resident, r.dev)
	}
	r.free()
}

func (r *Resident) free() {
	for _, t := range r.tables {
		t.free()
	}
}

func (t Table) free() {
	for _, buf := range []backend.Buffer{t.X, t.Y, t.W} {
		if buf != nil {
			buf.Free()
		}
	}
}

// Rows is the number of rows that a table has room for.
func (r *Resident) Rows() int { return TableRows(r.Set, r.Window) }

// TableRows is that number for windows of the given number of rows, or all rows.
func TableRows(s *Set, window int) int {
	if window == 0 {
		return s.Len()
	}
	return window
}

// upload gives a device an array: as it lies, if the device can take it so.
func upload(dev backend.Device, a Array) (backend.Buffer, error) {
	if u, ok := dev.(backend.Unified); ok {
		if buf, err := u.Wrap(a.Data); err == nil {
			return buf, nil
		}
	}
	buf, err := dev.Alloc(int64(len(a.Data)))
	if err != nil {
		return nil, err
	}
	if err := buf.Upload(0, a.Data); err != nil {
		buf.Free()
		return nil, err
	}
	return buf, nil
}
