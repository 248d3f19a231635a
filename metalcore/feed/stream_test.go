package feed

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// made are rows of 4 bytes of x and y, which are their numbers.
func made(from, n int) (x []byte) {
	for i := range n {
		x = binary.LittleEndian.AppendUint32(x, uint32(from+i))
	}
	return x
}

// serve makes rows until ctx ends, few at a time.
func serve(ctx context.Context, s *Stream, few int, wanted *atomic.Int64) {
	m := s.Attach()
	defer m.Leave()
	for {
		w, ok, err := m.Wanted(ctx)
		if err != nil || !ok {
			return
		}
		wanted.Add(1)
		n := min(w.Rows, few)
		m.Put(w.From, made(w.From, n), made(w.From, n), nil)
	}
}

func streamSet(t *testing.T, n int) (*Set, *Stream) {
	t.Helper()
	s := NewStream(4, 4)
	set, err := NewSourced("stream", s, Array{DType: ir.I32, Shape: ir.Shape{n, 1}}, Array{DType: ir.I32, Shape: ir.Shape{n}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set, s
}

// Rows of a stream come in their order, epoch after epoch, also when one program
// ends and another goes on.
func TestStreamThroughWindows(t *testing.T) {
	const n, window, epochs = 50, 8, 3
	dev := cpu.New(1)
	defer dev.Close()
	set, s := streamSet(t, n)
	r, err := Windows(dev, set, window)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wanted atomic.Int64
	go serve(ctx, s, 7, &wanted)
	for wanted.Load() == 0 { // until it is attached
		if _, err := set.row(ctx, 0, make([]byte, 4), make([]byte, 4), nil); err != nil && !errors.Is(err, ErrNoMaker) {
			t.Fatal(err)
		}
	}
	number := 0
	pipe := r.Pipe(4, func() (Window, bool) {
		perEpoch := (n + window - 1) / window
		at := number % perEpoch * window
		number++
		return Window{Number: number - 1, Rows: Ascending(n)[at:min(at+window, n)]}, number <= epochs*perEpoch
	})
	defer pipe.Close()
	var got []int32
	for {
		w, err := pipe.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Rows) == 0 {
			break
		}
		x := make([]byte, 4*len(w.Rows))
		if err := r.Table(w.Number).X.Download(0, x); err != nil {
			t.Fatal(err)
		}
		got = append(got, Array{DType: ir.I32, Data: x}.I32s()...)
	}
	for i, v := range got {
		if int(v) != i%n || len(got) != n*epochs {
			t.Fatalf("the rows came as %v", got)
		}
	}
}

func TestStreamFaults(t *testing.T) {
	set, s := streamSet(t, 50)
	x, y := make([]byte, 4), make([]byte, 4)
	if _, err := set.row(t.Context(), 3, x, y, nil); !errors.Is(err, ErrNoMaker) {
		t.Errorf("without a program: %v", err)
	}
	m := s.Attach()
	result := make(chan error)
	read := func(ctx context.Context) {
		_, err := set.row(ctx, 3, x, y, nil)
		result <- err
	}
	go read(t.Context())
	if w, ok, err := m.Wanted(t.Context()); err != nil || !ok || w.From != 3 {
		t.Fatalf("wanted is %v %v %v", w, ok, err)
	}
	if err := m.Put(3, []byte{1, 2, 3}, nil, nil); err == nil {
		t.Error("half a row was taken")
	}
	m.Put(3, nil, nil, errors.New("the generator is at its end"))
	if err := <-result; err == nil || err.Error() != `data "stream", row 3: the generator is at its end` {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go read(ctx)
	if _, _, err := m.Wanted(t.Context()); err != nil { // it asks again
		t.Fatal(err)
	}
	cancel() // and goes away; what comes then is for nobody
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	m.Put(3, made(3, 2), made(3, 2), nil)
	other := s.Attach() // makes rows of its own, so that none are left of the first
	if _, ok, err := m.Wanted(t.Context()); ok || err != nil {
		t.Error("the first program is still asked")
	}
	m.Put(3, made(9, 1), made(9, 1), nil) // counts no more
	go read(t.Context())
	if w, ok, _ := other.Wanted(t.Context()); !ok || w.From != 3 {
		t.Errorf("wanted is %v", w)
	}
	other.Leave()
	if err := <-result; !errors.Is(err, ErrNoMaker) {
		t.Errorf("got %v", err)
	}
}

// Programs that come and go, and readers that give up, leave nothing waiting.
func TestStreamAtAnyMoment(t *testing.T) {
	before := runtime.NumGoroutine()
	set, s := streamSet(t, 1000)
	var wanted atomic.Int64
	stop, end := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for stop.Err() == nil {
			ctx, cancel := context.WithTimeout(stop, time.Duration(rand.IntN(1000))*time.Microsecond)
			serve(ctx, s, 1+rand.IntN(50), &wanted)
			cancel()
		}
	}()
	deadline := time.Now().Add(30 * time.Second)
	for i, read := 0, 0; read < 1000; i++ {
		if time.Now().After(deadline) {
			t.Fatalf("only %d rows came", read)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(2000))*time.Microsecond)
		x, y := make([]byte, 4), make([]byte, 4)
		if _, err := set.row(ctx, i%1000, x, y, nil); err == nil {
			read++
			if got := fmt.Sprint(x, y); got != fmt.Sprint(made(i%1000, 1), made(i%1000, 1)) {
				t.Fatalf("row %d is %s", i%1000, got)
			}
		}
		cancel()
	}
	end()
	<-done
	for ; runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
