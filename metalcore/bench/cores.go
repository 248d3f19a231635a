package bench

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

// handovers are the round trips that one measurement of cores counts.
const handovers = 20000

// cores measures how long a word takes from one processor to another and back:
// below some 150 ns where they share a cache, several times that where they do
// not, which training on several threads feels. A virtual machine may have its
// processors here now and there later, so it is measured before and after all
// else.
func cores(_ context.Context, w io.Writer, o *Options) error {
	if runtime.GOMAXPROCS(0) < 2 {
		return nil
	}
	times, err := timed(o.Rounds, handOver)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%-44s %v (%v to %v)\n", "a word from one processor to another, and back",
		times.median/handovers, times.low/handovers, times.high/handovers)
	return nil
}

// handOver passes a number to and fro between two threads. Whoever waits too
// long lets the other one run.
func handOver() error {
	var word atomic.Int64
	answer := func(from int64) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for i := from; i < 2*handovers; i += 2 {
			for pauses := 1; word.Load() != i; pauses++ {
				if asm.Pause(1); pauses%10000 == 0 {
					runtime.Gosched()
				}
			}
			word.Store(i + 1)
		}
	}
	go answer(1)
	answer(0)
	return nil
}
