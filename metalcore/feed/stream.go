package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
)

// Stream is a Source whose rows a program makes, a few at a time and only when
// they are wanted. The program may end and another one go on in its place.
type Stream struct {
	x, y   int // bytes of a row
	most   int // rows that are wanted at once
	reader chan struct{}

	mu      sync.Mutex
	maker   *Maker        // nil when nobody makes rows
	asked   bool          // the maker was told what is wanted
	end     int           // of the rows that are expected
	from    int           // the first row that is there
	rows    [2][]byte     // x and y of those that are there
	fault   error         // of the maker, instead of rows
	changed chan struct{} // closed when rows came, or the maker went
}

// Want says which rows a Stream needs next.
type Want struct{ From, Rows int }

// Maker is a program that makes the rows of a Stream.
type Maker struct {
	stream *Stream
	wants  chan Want
	gone   chan struct{}
}

// ErrNoMaker says that the program that made the rows has ended.
var ErrNoMaker = errors.New("the program that makes the rows has ended: run the cell with nb.Stream again, and train while it runs")

// streamBytes is about how much of a stream is wanted at once.
const streamBytes = 192 << 10

// NewStream makes a stream with rows of x and y bytes.
func NewStream(x, y int) *Stream {
	return &Stream{x: x, y: y, most: max(1, streamBytes/(x+y)), reader: make(chan struct{}, 1), changed: make(chan struct{})}
}

// Expect has no more rows made before those that are there are handed over. A
// window that a slow program fills is ready with its last row.
func (s *Stream) Expect(from, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end = from + rows
}

// Attach makes a program the one that makes the rows, from now on.
func (s *Stream) Attach() *Maker {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave(s.maker)
	s.rows, s.fault = [2][]byte{}, nil // which may be others now
	s.maker = &Maker{stream: s, wants: make(chan Want, 1), gone: make(chan struct{})}
	return s.maker
}

// Leave says that the maker makes no more rows.
func (m *Maker) Leave() {
	m.stream.mu.Lock()
	defer m.stream.mu.Unlock()
	m.stream.leave(m)
}

// leave forgets the maker, if it is the one. The caller holds s.mu.
func (s *Stream) leave(m *Maker) {
	if m == nil || s.maker != m {
		return
	}
	close(m.gone)
	s.maker, s.asked = nil, false
	s.wake()
}

func (s *Stream) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Wanted returns when rows are wanted; ok is false when others make them now.
func (m *Maker) Wanted(ctx context.Context) (w Want, ok bool, err error) {
	select {
	case w := <-m.wants:
		return w, true, nil
	case <-m.gone:
		return w, false, nil
	case <-ctx.Done():
		return w, false, ctx.Err()
	}
}

// Put delivers rows, from the given one on, or says why there are none.
func (m *Maker) Put(from int, x, y []byte, fault error) error {
	s := m.stream
	n := len(x) / s.x
	if fault == nil && (n == 0 || n*s.x != len(x) || n*s.y != len(y) || n > s.most) {
		return fmt.Errorf("%d and %d bytes of x and y are not 1 to %d rows of %d and %d", len(x), len(y), s.most, s.x, s.y)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.maker == m {
		s.from, s.rows, s.fault, s.asked = from, [2][]byte{bytes.Clone(x), bytes.Clone(y)}, fault, false
		s.wake()
	}
	return nil
}

// Read waits until row i is there.
func (s *Stream) Read(ctx context.Context, i int, x, y []byte) error {
	select { // one reader at a time: each would ask for rows of its own
	case s.reader <- struct{}{}:
		defer func() { <-s.reader }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		done, changed, err := s.take(i, x, y)
		if done || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take copies row i if it is there, and asks for it otherwise.
func (s *Stream) take(i int, x, y []byte) (done bool, changed <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := i - s.from
	switch {
	case at >= 0 && at < len(s.rows[0])/s.x:
		copy(x, part(s.rows[0], at, s.x))
		copy(y, part(s.rows[1], at, s.y))
		return true, nil, nil
	case s.fault != nil && !s.asked && at >= 0:
		err, s.fault = s.fault, nil // the next reader asks again
		return false, nil, err
	case s.maker == nil:
		return false, nil, ErrNoMaker
	case !s.asked:
		s.asked = true
		rows := s.most
		if i < s.end {
			rows = min(rows, s.end-i)
		}
		s.maker.wants <- Want{From: i, Rows: rows} // has room: nothing else is asked
	}
	return false, s.changed, nil
}
