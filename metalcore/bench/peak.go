package bench

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

// peakTime is how long the peak is measured.
const peakTime = 10 * time.Millisecond

// Peak is the speed in FLOP/s that the processor's multiply-adds reach on so
// many threads, with operands in registers.
func Peak(threads int) float64 {
	speeds := make([]float64, threads)
	var all sync.WaitGroup
	for i := range speeds {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			flops, start := 0, time.Now()
			for time.Since(start) < peakTime {
				flops += asm.Best().FMA(1 << 14)
			}
			speeds[i] = float64(flops) / time.Since(start).Seconds()
		})
	}
	all.Wait()
	sum := 0.0
	for _, s := range speeds {
		sum += s
	}
	return sum
}

// speed is how fast something went: in calls a second, and as a fraction of the
// floor, which is the time its FLOPs would take at the peak.
type speed struct {
	rate, fraction, peak spread[float64]
	flops                float64
}

// speedOf takes rounds of a measurement that returns calls a second. The peak
// is measured before and after each round, since clock and neighbours change,
// and the mean of the two is the round's.
func speedOf(rounds int, at spot, flops float64, round func() (float64, error)) (speed, error) {
	var rates, fractions, peaks []float64
	before := at.peak()
	for range rounds {
		rate, err := round()
		if err != nil {
			return speed{}, err
		}
		after := at.peak()
		top := (before + after) / 2
		rates, peaks, fractions = append(rates, rate), append(peaks, top), append(fractions, rate*flops/top)
		before = after
	}
	return speed{spreadOf(rates), spreadOf(fractions), spreadOf(peaks), flops}, nil
}

// arithmetic says the speed in GFLOP/s and as a fraction of the floor.
func (s speed) arithmetic() string {
	if s.peak.median == 0 {
		return fmt.Sprintf("%7.1f GFLOP/s", s.rate.median*s.flops/1e9)
	}
	return fmt.Sprintf("%7.1f GFLOP/s  %.3f (%.3f to %.3f) of peak %.0f", s.rate.median*s.flops/1e9,
		s.fraction.median, s.fraction.low, s.fraction.high, s.peak.median/1e9)
}
