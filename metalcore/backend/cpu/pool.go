package cpu

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
)

// body computes a part [lo,hi) of an instruction's work. Which worker runs it
// tells which scratch memory is its own, and must not change any result.
type body func(fr *frame, worker, lo, hi int)

// pool is a set of goroutines that share large instructions. The calling
// goroutine is worker 0. A worker without work spins for a while, since the next
// instruction comes within microseconds, and then sleeps, so that an idle
// process leaves the processor alone.
type pool struct {
	threads int
	variant asm.Variant // of the kernels that are run
	spin    bool        // there is a core for each worker
	busy    sync.Mutex  // held by the run that is using the workers
	workers []worker    // without number 0
	ended   sync.WaitGroup
	once    sync.Once
	shares  []share // of all workers
	job     job
}

// worker is a helper's state, on a line of the cache of its own.
type worker struct {
	state atomic.Int32
	wake  chan struct{} // holds one token for a worker that was asleep
	_     [48]byte
}

// States of a worker. The caller gives work, and takes it back from one that did
// not begin with it; everything else is changed by the worker itself.
const (
	idle   int32 = iota // it spins
	asleep              // it waits for a token
	given               // there is work
	working
	closed // it shall end
)

const (
	spinRounds = 2000 // pauses before a worker sleeps: about 100 microseconds
	yieldEvery = 256  // pauses after which other goroutines may run
	lockedEach = 64   // times as many for the caller, whose goroutine is locked to its thread
)

// job is the work being shared: 0..n-1, in as many shares as workers take part.
// Everybody begins with the pieces of his own share, so that a worker meets in
// one instruction after the other the same part of what they work on, which then
// is in the cache of its core; whoever has none left helps the others.
type job struct {
	f      body
	fr     *frame
	n      int
	pieces int // of a share
	shares []share
	fault  atomic.Pointer[fault]
}

// share is how many pieces of it are taken, on a line of the cache of its own.
type share struct {
	taken atomic.Int64
	_     [56]byte
}

// piecesEach is how many pieces a share has at most.
const piecesEach = 4

// fault is a panic on its way to the goroutine that runs the program.
type fault struct {
	value any
	stack string
}

func (f *fault) String() string { return fmt.Sprint(f.value) }

func newPool(threads int, variant asm.Variant) *pool {
	p := &pool{threads: threads, variant: variant, spin: threads <= runtime.GOMAXPROCS(0), workers: make([]worker, threads-1),
		shares: make([]share, threads)}
	for i := range p.workers {
		w := &p.workers[i]
		w.wake = make(chan struct{}, 1)
		p.ended.Go(func() { p.work(w, i+1) })
	}
	return p
}

// work is the life of a worker.
func (p *pool) work(w *worker, number int) {
	for round := 0; ; round++ {
		switch w.state.Load() {
		case closed:
			return
		case given:
			if w.state.CompareAndSwap(given, working) {
				runtime.LockOSThread()
				old := vec.Flush()
				p.job.take(number)
				vec.Restore(old)
				runtime.UnlockOSThread()
				w.state.Store(idle)
				round = 0
			}
		case idle:
			if p.spin && round < spinRounds {
				relax(round, yieldEvery)
			} else if w.state.CompareAndSwap(idle, asleep) {
				<-w.wake
				round = 0
			}
		}
	}
}

// relax passes a moment of spinning.
func relax(round, yield int) {
	if round%yield == yield-1 {
		runtime.Gosched()
		return
	}
	asm.Pause(1)
}

// set changes the state of a worker that has no work, and wakes it.
func (w *worker) set(state int32) {
	if w.state.Swap(state) == asleep {
		w.wake <- struct{}{}
	}
}

// join returns when the worker has no work any more. What it did not begin
// with, it need not: the caller has done it.
func (w *worker) join(yield int) {
	if w.state.CompareAndSwap(given, idle) {
		return
	}
	for round := 0; w.state.Load() == working; round++ {
		relax(round, yield)
	}
}

// close ends the workers. Work that comes later runs on the caller alone.
func (p *pool) close() {
	p.once.Do(func() {
		p.busy.Lock() // for good: nobody gives the workers anything again
		for i := range p.workers {
			p.workers[i].set(closed)
		}
		p.ended.Wait()
	})
}

// run calls f for pieces of 0..n-1. Work of less than grain, and work that
// comes while another run has the workers, stays on the caller.
func (p *pool) run(fr *frame, n, grain int, f body) {
	shared := n > grain && p.threads > 1
	fr.wide = fr.wide || shared
	if !shared || !p.busy.TryLock() {
		if n > 0 {
			f(fr, 0, 0, n)
		}
		return
	}
	defer p.busy.Unlock()
	j := &p.job
	j.f, j.fr, j.n = f, fr, n
	most := ceilDiv(n, max(1, grain/2)) // pieces that are worth their while
	j.shares = p.shares[:min(p.threads, most)]
	j.pieces = min(piecesEach, max(1, most/len(j.shares)))
	for i := range j.shares {
		j.shares[i].taken.Store(0)
	}
	j.fault.Store(nil)
	helpers := p.workers[:len(j.shares)-1]
	for i := range helpers {
		helpers[i].set(given)
	}
	j.take(0)
	yield := yieldEvery
	if p.spin { // the helpers have processors of their own
		yield *= lockedEach
	}
	for i := range helpers {
		helpers[i].join(yield)
	}
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
	all := j.pieces * len(j.shares)
	for i := range j.shares {
		at := (worker + i) % len(j.shares)
		for j.fault.Load() == nil {
			k := int(j.shares[at].taken.Add(1)) - 1
			if k >= j.pieces {
				break
			}
			k += at * j.pieces
			if lo, hi := k*j.n/all, (k+1)*j.n/all; lo < hi {
				j.f(j.fr, worker, lo, hi)
			}
		}
	}
}
