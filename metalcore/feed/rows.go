package feed

import (
	"context"
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Rows returns a new set of the rows with the given numbers. Those of a source
// that are not in memory are left there.
func (s *Set) Rows(name string, idx []int) (*Set, error) {
	out := &Set{Name: name, Classes: s.Classes, About: s.About, Skip: s.Skip}
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

// Load returns the set with all its rows in memory; it is the set itself where
// they are. Rows that are skipped are left out.
func (s *Set) Load(ctx context.Context) (*Set, error) {
	if s.Source == nil {
		return s, nil
	}
	out := &Set{Name: s.Name, Classes: s.Classes, About: s.About}
	out.X = Array{DType: s.X.DType, Data: make([]byte, 0, s.X.rowBytes()*s.Len())}
	out.Y = Array{DType: s.Y.DType, Data: make([]byte, 0, s.Y.rowBytes()*s.Len())}
	var weights []byte
	rows := 0
	x, y, w := make([]byte, s.X.rowBytes()), make([]byte, s.Y.rowBytes()), make([]byte, weightBytes)
	for i := range s.Len() {
		ok, err := s.row(ctx, i, x, y, w)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		rows++
		out.X.Data, out.Y.Data = append(out.X.Data, x...), append(out.Y.Data, y...)
		weights = append(weights, w...)
	}
	out.X.Shape, out.Y.Shape = s.X.withRows(rows), s.Y.withRows(rows)
	if s.W.DType != 0 {
		out.W = Array{DType: ir.F32, Shape: ir.Shape{rows}, Data: weights}
	}
	return out, out.Check()
}
