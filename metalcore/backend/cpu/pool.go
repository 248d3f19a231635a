package cpu

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

// body computes a part [lo,hi) of an instruction's work. Which worker runs it
// tells which scratch memory is its own, and must not change any result.
type body func(fr *frame, worker, lo, hi int)

// pool is a set of goroutines that sleep until there is a large instruction to
// share. The calling goroutine is worker 0.
type pool struct {
	threads int
	variant asm.Variant // of the kernels that are run
	busy    sync.Mutex  // held by the run that is using the workers
	wake    []chan struct{}
	done    sync.WaitGroup // of the work being shared
	ended   sync.WaitGroup // of the workers
	once    sync.Once
	job     job
}

// job is the work being shared: pieces of n, taken by whoever is free.
type job struct {
	f     body
	fr    *frame
	n     int
	piece int
	next  atomic.Int64
	fault atomic.Pointer[fault]
}

// fault is a panic on its way to the goroutine that runs the program.
type fault struct {
	value any
	stack string
}

func (f *fault) String() string { return fmt.Sprint(f.value) }

func newPool(threads int, variant asm.Variant) *pool {
	p := &pool{threads: threads, variant: variant, wake: make([]chan struct{}, threads)}
	for w := 1; w < threads; w++ {
		p.wake[w] = make(chan struct{}, 1)
		p.ended.Add(1)
		go p.work(w)
	}
	return p
}

func (p *pool) work(worker int) {
	defer p.ended.Done()
	for range p.wake[worker] {
		p.job.take(worker)
		p.done.Done()
	}
}

// close ends the workers. Work that comes later runs on the caller alone.
func (p *pool) close() {
	p.once.Do(func() {
		p.busy.Lock() // for good: nobody wakes the workers again
		for w := 1; w < p.threads; w++ {
			close(p.wake[w])
		}
		p.ended.Wait()
	})
}

// run calls f for pieces of 0..n-1. Work of less than grain, and work that
// comes while another run has the workers, stays on the caller.
func (p *pool) run(fr *frame, n, grain int, f body) {
	if n <= grain || p.threads == 1 || !p.busy.TryLock() {
		if n > 0 {
			f(fr, 0, 0, n)
		}
		return
	}
	defer p.busy.Unlock()
	j := &p.job
	j.f, j.fr, j.n = f, fr, n
	j.piece = max(grain/2, (n+4*p.threads-1)/(4*p.threads), 1)
	j.next.Store(0)
	j.fault.Store(nil)
	helpers := min(p.threads, (n+j.piece-1)/j.piece) - 1
	p.done.Add(helpers)
	for w := 1; w <= helpers; w++ {
		p.wake[w] <- struct{}{}
	}
	j.take(0)
	p.done.Wait()
	j.f, j.fr = nil, nil
	if fault := j.fault.Load(); fault != nil {
		panic(fault)
	}
}

func (j *job) take(worker int) {
	defer func() {
		if r := recover(); r != nil {
			j.fault.CompareAndSwap(nil, &fault{value: r, stack: string(debug.Stack())})
		}
	}()
	for j.fault.Load() == nil {
		lo := int(j.next.Add(int64(j.piece))) - j.piece
		if lo >= j.n {
			return
		}
		j.f(j.fr, worker, lo, min(lo+j.piece, j.n))
	}
}
