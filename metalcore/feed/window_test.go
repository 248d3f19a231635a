package feed

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// counting is a source whose row i is i in each element; rows in bad are
// faulty.
type counting struct {
	bad   map[int]bool
	reads atomic.Int64
}

func (c *counting) Read(_ context.Context, i int, x, y []byte) error {
	c.reads.Add(1)
	for at := 0; at < len(x); at += 4 {
		binary.LittleEndian.PutUint32(x[at:], uint32(i))
	}
	if c.bad[i] {
		return errors.New("it is torn")
	}
	return nil
}

func countingSet(t *testing.T, n int, bad ...int) (*Set, *counting) {
	t.Helper()
	c := &counting{bad: map[int]bool{}}
	for _, i := range bad {
		c.bad[i] = true
	}
	labels := make([]int32, n)
	for i := range labels {
		labels[i] = int32(i % 7)
	}
	s, err := NewSourced("rows", c, Array{DType: ir.I32, Shape: ir.Shape{n, 3}}, FromI32(labels, n), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// order lays the rows of epochs out in windows.
func order(n, window, epochs int) func() (Window, bool) {
	perEpoch, number := (n+window-1)/window, 0
	return func() (Window, bool) {
		epoch, at := number/perEpoch, number%perEpoch*window
		if epoch == epochs {
			return Window{}, false
		}
		rows := Permutation(n, 5, uint64(epoch))
		number++
		return Window{Number: number - 1, Rows: rows[at:min(at+window, n)]}, true
	}
}

// onDevice are the rows of a window as they lie on the device.
func onDevice(t *testing.T, r *Resident, w Window) (rows []int32) {
	t.Helper()
	x, y := make([]byte, 12*len(w.Rows)), make([]byte, 4*len(w.Rows))
	if err := errors.Join(r.Table(w.Number).X.Download(0, x), r.Table(w.Number).Y.Download(0, y)); err != nil {
		t.Fatal(err)
	}
	labels := (Array{DType: ir.I32, Data: y}).I32s()
	for i, v := range (Array{DType: ir.I32, Data: x}).I32s() {
		if i%3 == 0 {
			rows = append(rows, v)
			if labels[i/3] != v%7 {
				t.Fatalf("row %d has the label %d", v, labels[i/3])
			}
		} else if v != rows[len(rows)-1] {
			t.Fatalf("row %d is mixed with row %d", rows[len(rows)-1], v)
		}
	}
	return rows
}

// Each row of each epoch comes once, in the order that was asked for, whatever
// the number of workers and the size of windows; the last window is what is left.
func TestEveryRowOnce(t *testing.T) {
	const n, epochs = 103, 3
	dev := cpu.New(1)
	defer dev.Close()
	for _, workers := range []int{1, 2, 5} {
		for _, window := range []int{1, 4, 50, 103, 200} {
			set, _ := countingSet(t, n)
			r, err := Windows(dev, set, window)
			if err != nil {
				t.Fatal(err)
			}
			pipe := r.Pipe(workers, order(n, window, epochs))
			var got []int32
			for {
				w, err := pipe.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if len(w.Rows) == 0 {
					break
				}
				got = append(got, onDevice(t, r, w)...)
			}
			for epoch := range epochs {
				want := Permutation(n, 5, uint64(epoch))
				if fmt.Sprint(got[epoch*n:(epoch+1)*n]) != fmt.Sprint(want) {
					t.Fatalf("%d workers, windows of %d: epoch %d came as %v", workers, window, epoch, got[epoch*n:(epoch+1)*n])
				}
			}
			pipe.Close()
			r.Release()
		}
	}
	if live := dev.LiveBytes(); live != 0 {
		t.Errorf("%d bytes are left on the device", live)
	}
}

// A window that is in use stays as it is, although others are read ahead; and
// no more are read than there is room for.
func TestReadAheadIsBounded(t *testing.T) {
	const n, window = 1000, 10
	dev := cpu.New(1)
	defer dev.Close()
	set, source := countingSet(t, n)
	r, err := Windows(dev, set, window)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	synctest.Test(t, func(t *testing.T) {
		pipe := r.Pipe(2, order(n, window, 1))
		defer pipe.Close()
		w, err := pipe.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // nothing moves any more
		if got, most := source.reads.Load(), int64(window*(2+depth)); got != most {
			t.Errorf("%d rows were read ahead, there is room for %d", got, most)
		}
		if got := onDevice(t, r, w); fmt.Sprint(got) != fmt.Sprint(w.Rows) {
			t.Errorf("the window in use became %v", got)
		}
	})
}

// The error of a row comes after the windows before it, and names the first of
// several.
func TestFaultyRow(t *testing.T) {
	const n, window = 100, 10
	dev := cpu.New(1)
	defer dev.Close()
	rows := Permutation(n, 5, 0)
	for _, workers := range []int{1, 3} {
		set, _ := countingSet(t, n, int(rows[47]), int(rows[43]), int(rows[99]))
		r, err := Windows(dev, set, window)
		if err != nil {
			t.Fatal(err)
		}
		pipe := r.Pipe(workers, order(n, window, 1))
		for range 4 {
			if _, err := pipe.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		_, err = pipe.Next(t.Context())
		if fault, ok := errors.AsType[*RowError](err); !ok || fault.Row != int(rows[43]) || !strings.Contains(err.Error(), "it is torn") {
			t.Errorf("got %v, want the fault of row %d", err, rows[43])
		}
		if _, again := pipe.Next(t.Context()); again != err {
			t.Errorf("asked again it says %v", again)
		}
		pipe.Close()
		r.Release()
	}
}

// A set that skips faulty rows has zeros that count nothing in their place.
func TestSkippedRows(t *testing.T) {
	set, _ := countingSet(t, 20, 3, 11)
	set.Skip = true
	dev := cpu.New(1)
	defer dev.Close()
	r, err := Windows(dev, set, 20)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	pipe := r.Pipe(2, order(20, 20, 2))
	defer pipe.Close()
	for range 2 {
		w, err := pipe.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		data := make([]byte, 80)
		if err := r.Table(w.Number).W.Download(0, data); err != nil {
			t.Fatal(err)
		}
		for i, weight := range (Array{DType: ir.F32, Data: data}).F32s() {
			want := float32(1)
			if w.Rows[i] == 3 || w.Rows[i] == 11 {
				want = 0
			}
			if weight != want {
				t.Errorf("row %d counts %v", w.Rows[i], weight)
			}
		}
	}
	if set.Faults() != 2 {
		t.Errorf("%d rows were skipped", set.Faults())
	}
	whole, err := set.Load(t.Context())
	if err != nil || whole.Len() != 18 {
		t.Errorf("%d rows are left (%v)", whole.Len(), err)
	}
}

// A pipe that is closed at any moment ends its goroutines.
func TestCloseAtAnyMoment(t *testing.T) {
	dev := cpu.New(1)
	defer dev.Close()
	set, _ := countingSet(t, 500, 350)
	r, err := Windows(dev, set, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	before := runtime.NumGoroutine()
	for range 300 {
		pipe := r.Pipe(3, order(500, 7, 2))
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(int(2*time.Millisecond))))
		for range rand.IntN(60) {
			if _, err := pipe.Next(ctx); err != nil {
				break
			}
		}
		cancel()
		pipe.Close()
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
