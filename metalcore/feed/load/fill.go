package load

import (
	"context"
	"slices"
)

// filled is a Source that makes rows of x of those of a table as it was read: with
// the mean of the column where a number is missing, and a column for each word of
// those in OneHot.
type filled struct {
	*spool
	means []float32
	ranks [][]int // of the words of a column, nil for one of numbers
}

// source makes the source, nil when x is what was read, and tells how many numbers
// a row of it has.
func (b *table) source() (f *filled, width int) {
	f = &filled{spool: b.read, means: make([]float32, len(b.x)), ranks: make([][]int, len(b.x))}
	for i, col := range b.x {
		if n := b.rows - b.missing[i]; n > 0 {
			f.means[i] = float32(b.sums[i] / float64(n))
		}
		w := b.oneHot[col]
		if w == nil {
			width++
			continue
		}
		f.ranks[i], _ = w.ranks()
		width += len(w)
	}
	if len(b.oneHot) == 0 && slices.Max(b.missing) == 0 {
		f = nil
	}
	return f, width
}

// Read makes row i.
func (f *filled) Read(ctx context.Context, i int, x, _ []byte) error {
	row := make([]byte, f.row)
	if err := f.spool.Read(ctx, i, row, nil); err != nil {
		return err
	}
	clear(x)
	at := 0
	for i, rank := range f.ranks {
		v := numberAt(row, i)
		switch {
		case rank != nil:
			if v >= 0 {
				putNumber(x, at+rank[int(v)], 1)
			}
			at += len(rank)
			continue
		case v != v:
			v = f.means[i]
		}
		putNumber(x, at, v)
		at++
	}
	return nil
}
