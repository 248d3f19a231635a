package feed

import (
	"context"
	"errors"
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Source makes rows when they are asked for: from files that are larger than
// memory, or by a program.
type Source interface {
	// Read fills x with row i, and y too where the set has no Y.Data. Several
	// goroutines may call it at once, unless the source is InOrder. It gives up
	// when ctx ends.
	Read(ctx context.Context, i int, x, y []byte) error
}

// InOrder is a Source whose rows come one after the other, as a program makes
// them. They are read by one goroutine, in their order.
type InOrder interface {
	Source
	// Expect says which rows are read next: so many, from the given one on.
	Expect(from, rows int)
}

// InOrder reports whether the rows come one after the other.
func (s *Set) InOrder() bool {
	_, ok := s.Source.(InOrder)
	return ok
}

// OnDisk is a Source that has put its rows in a file.
type OnDisk interface {
	Source
	OnDisk() int64 // bytes
}

// RowError is the fault of one row.
type RowError struct {
	Data string // the name of the set
	Row  int
	Err  error
}

func (e *RowError) Error() string { return fmt.Sprintf("data %q, row %d: %v", e.Data, e.Row, e.Err) }

// Unwrap returns what is wrong with the row.
func (e *RowError) Unwrap() error { return e.Err }

// NewSourced makes a set of n rows that a source makes: x says their type and
// shape and has no data; y may have some, and has none where the source makes
// it, too. Without class names those of an i32 y are numbered, up to the largest
// label of its data.
func NewSourced(name string, src Source, x, y Array, classes []string) (*Set, error) {
	s := &Set{Name: name, X: x, Y: y, Classes: classes, Source: src}
	if len(y.Data) > 0 { // with one number for each row, they have all checks of a set
		rows := FromF32(make([]float32, x.Len()), x.Len(), 1)
		labels, err := NewSet(name, rows, y, classes)
		if err != nil {
			return nil, err
		}
		s.Y, s.Classes = labels.Y, labels.Classes
	}
	return s, s.Check()
}

// checkSourced is Check of a set whose rows nobody has seen yet.
func (s *Set) checkSourced() error {
	switch {
	case !s.X.DType.Valid() || !s.Y.DType.Valid():
		return errors.New("x and y need a type")
	case s.X.Shape.HasBatch() || s.Y.Shape.HasBatch():
		return fmt.Errorf("x is %v, y is %v: data needs a number for every axis", s.X, s.Y)
	case s.X.Len() == 0 || s.XShape().Elems() == 0:
		return fmt.Errorf("x is %v: there must be at least one row with one number", s.X)
	case len(s.Y.Shape) == 0 || s.X.Len() != s.Y.Len():
		return fmt.Errorf("x is %v, y is %v: give one row of y for each row of x", s.X, s.Y)
	}
	if err := s.X.Shape.Check(); err != nil {
		return err
	}
	return s.checkWeights()
}

// weightBytes is the size of a row's weight, an f32.
const weightBytes = 4

// row fills x, y and w, unless it is nil, with row i and checks it. Of a set
// that skips faulty rows, ok is false for one, and all of it zeros.
func (s *Set) row(ctx context.Context, i int, x, y, w []byte) (ok bool, err error) {
	if err = s.read(ctx, i, x, y); err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		err = &RowError{Data: s.Name, Row: i, Err: err}
		if !s.Skip {
			return false, err
		}
		s.note(i)
		clear(x)
		clear(y)
		clear(w)
		return false, nil
	}
	if w == nil {
		return true, nil
	}
	if s.W.DType != 0 {
		copy(w, s.W.Row(i).Data)
	} else {
		copy(w, one)
	}
	return true, nil
}

// one is the weight of a row that counts like all others.
var one = FromF32([]float32{1}, 1).Data

func (s *Set) read(ctx context.Context, i int, x, y []byte) error {
	if len(s.Y.Data) > 0 {
		copy(y, s.Y.Row(i).Data)
	}
	if s.Source == nil {
		copy(x, s.X.Row(i).Data)
		return nil
	}
	if err := s.Source.Read(ctx, i, x, y); err != nil {
		return err
	}
	row := Array{DType: s.X.DType, Shape: s.XShape(), Data: x}
	if err := row.CheckFinite("x"); err != nil {
		return err
	}
	if len(s.Y.Data) > 0 {
		return nil
	}
	label := Array{DType: s.Y.DType, Shape: s.YShape(), Data: y}
	if n := len(s.Classes); n > 0 && label.DType == ir.I32 && label.word(0) >= uint32(n) {
		return fmt.Errorf("the label %d: the %d classes are numbered 0 to %d", int32(label.word(0)), n, n-1)
	}
	return label.CheckFinite("y")
}

// note remembers that a row is faulty.
func (s *Set) note(row int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.skipped == nil {
		s.skipped = map[int]bool{}
	}
	s.skipped[row] = true
}

// LeaveOut counts faulty rows that whoever loads the set leaves out.
func (s *Set) LeaveOut(rows int) { s.leftOut += rows }

// Faults is the number of rows that were skipped so far because they are
// faulty, each counted once.
func (s *Set) Faults() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leftOut + len(s.skipped)
}
