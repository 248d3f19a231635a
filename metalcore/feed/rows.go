package feed

import (
	"context"
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Rows returns a new set of the rows with the given numbers. Those of a source
// that are not in memory are left there.
func (s *Set) Rows(name string, idx []int) (*Set, error) {
	out := &Set{Name: name, Classes: s.Classes, About: s.About, Session: s.Session, Skip: s.Skip}
	for _, part := range []struct{ from, to *Array }{{&s.X, &out.X}, {&s.Y, &out.Y}, {&s.W, &out.W}} {
		var err error
		switch {
		case part.from.DType == 0: // no weights
		case s.Source != nil && part.from.Data == nil:
			*part.to = Array{DType: part.from.DType, Shape: part.from.withRows(len(idx))}
		default:
			*part.to, err = part.from.Rows(idx)
		}
		if err != nil {
			return nil, fmt.Errorf("data %q: %w", s.Name, err)
		}
	}
	if s.Source == nil {
		return out, nil
	}
	if s.InOrder() {
		return nil, fmt.Errorf("data %q: its rows come one after the other, and cannot be chosen", s.Name)
	}
	for _, i := range idx {
		if i < 0 || i >= s.Len() {
			return nil, fmt.Errorf("data %q: there is no row %d: the rows are 0 to %d", s.Name, i, s.Len()-1)
		}
	}
	out.Source = &chosen{s.Source, idx}
	return out, nil
}

// chosen are some rows of a source.
type chosen struct {
	Source
	rows []int
}

// Read reads the row that has the number i among the chosen ones.
func (c *chosen) Read(ctx context.Context, i int, x, y []byte) error {
	return c.Source.Read(ctx, c.rows[i], x, y)
}

// OnDisk is the source that has put the set's rows, or those that they were chosen
// of, in a file; nil without one.
func (s *Set) OnDisk() OnDisk {
	src := s.Source
	for c, ok := src.(*chosen); ok; c, ok = src.(*chosen) {
		src = c.Source
	}
	d, _ := src.(OnDisk)
	return d
}

// Load returns the set with all its rows in memory; it is the set itself where
// they are. Rows that are skipped are left out.
func (s *Set) Load(ctx context.Context) (*Set, error) {
	if s.Source == nil {
		return s, nil
	}
	b := s.block(s.Len())
	b.window.Rows = Ascending(s.Len())
	skipped, err := s.fill(ctx, b, 0)
	if err != nil {
		return nil, err
	}
	slices.Sort(skipped)
	out := &Set{Name: s.Name, Classes: s.Classes, About: s.About, Session: s.Session}
	out.X = Array{DType: s.X.DType, Data: without(b.x, s.X.rowBytes(), skipped)}
	out.Y = Array{DType: s.Y.DType, Data: without(b.y, s.Y.rowBytes(), skipped)}
	rows := s.Len() - len(skipped)
	out.X.Shape, out.Y.Shape = s.X.withRows(rows), s.Y.withRows(rows)
	if s.W.DType != 0 {
		out.W = Array{DType: ir.F32, Shape: ir.Shape{rows}, Data: without(b.w, weightBytes, skipped)}
	}
	out.leftOut = s.Faults()
	return out, out.Check()
}

// without closes the gaps where elements of a size are skipped.
func without(data []byte, size int, skipped []int) []byte {
	if len(skipped) == 0 {
		return data
	}
	to := skipped[0] * size
	for i, at := range skipped {
		end := len(data)
		if i+1 < len(skipped) {
			end = skipped[i+1] * size
		}
		to += copy(data[to:], data[(at+1)*size:end])
	}
	return data[:to]
}
