package cpu

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

// TestPoolDoesAllWorkOnce: of many small runs, with workers that are spinning,
// falling asleep or late, each piece is done once, and is done when run returns.
func TestPoolDoesAllWorkOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 7} {
		p := newPool(threads, asm.Go)
		counts := make([]int, 40)
		count := func(_ *frame, _, lo, hi int) {
			for i := lo; i < hi; i++ {
				counts[i]++
			}
		}
		total := 0
		for round := range 3000 {
			n := round % len(counts)
			p.run(new(frame), n, 1, count)
			total += n
			if round%1000 == 0 {
				sleepers(t, p)
			}
		}
		for _, c := range counts {
			total -= c
		}
		if total != 0 {
			t.Errorf("%d threads: %d pieces were left out", threads, total)
		}
		p.close()
	}
}

// sleepers waits until all workers are asleep.
func sleepers(t *testing.T, p *pool) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		awake := 0
		for i := range p.workers {
			if p.workers[i].state.Load() != asleep {
				awake++
			}
		}
		if awake == 0 {
			return
		}
		if time.Since(begin) > time.Minute {
			t.Fatalf("%d workers spin though there is no work", awake)
		}
	}
}

// TestPoolWorkersHaveNumbers: two pieces that run at the same time are run by
// workers of different numbers, whose scratch they may use.
func TestPoolWorkersHaveNumbers(t *testing.T) {
	p := newPool(3, asm.Go)
	defer p.close()
	var using [3]atomic.Int32
	for range 200 {
		p.run(new(frame), 30, 1, func(_ *frame, worker, _, _ int) {
			if using[worker].Add(1) != 1 {
				t.Errorf("two pieces run as worker %d", worker)
			}
			using[worker].Add(-1)
		})
	}
}

// TestPoolManyCallers: runs that come at the same time, from several programs,
// do not wait for each other's workers.
func TestPoolManyCallers(t *testing.T) {
	p := newPool(2, asm.Go)
	defer p.close()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 500 {
				sum := 0
				var mu sync.Mutex
				p.run(new(frame), 10, 1, func(_ *frame, _, lo, hi int) {
					mu.Lock()
					sum += hi - lo
					mu.Unlock()
				})
				if sum != 10 {
					t.Errorf("%d of 10 pieces", sum)
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkHandOver is an instruction of two pieces that have nothing to do.
func BenchmarkHandOver(b *testing.B) {
	p := newPool(2, asm.Go)
	defer p.close()
	nothing := func(*frame, int, int, int) {}
	for b.Loop() {
		p.run(new(frame), 2, 1, nothing)
	}
}
