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
	X, Y   backend.Buffer
	W      backend.Buffer // nil without weights
	Window int            // rows of a window; 0 when all rows are there

	dev  backend.Device
	refs int // guarded by Set.mu
}

// Owner is the owner of the set's memory on a device.
func (s *Set) Owner() backend.Owner {
	return backend.Owner{Kind: "data", Session: s.Session, Name: s.Name}
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
	r := &Resident{Set: s, X: x, Y: y, dev: dev, refs: 1}
	if s.Weighted() {
		if r.W, err = upload(dev, s.W); err != nil {
			x.Free()
			y.Free()
			return nil, fmt.Errorf("data %q: weights: %w", s.Name, err)
		}
	}
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
	for _, buf := range []backend.Buffer{r.X, r.Y, r.W} {
		if buf != nil {
			buf.Free()
		}
	}
}

// Rows is the number of rows that the device's buffers have room for.
func (r *Resident) Rows() int { return TableRows(r.Set, r.Window) }

// TableRows is that number for windows of the given number of rows, or all rows.
func TableRows(s *Set, window int) int {
	if window == 0 {
		return s.Len()
	}
	return 2 * window
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
