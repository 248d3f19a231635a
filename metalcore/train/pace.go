package train

import (
	"context"
	"time"
)

// A slice of steps lasts about sliceMost, so that stop, a new learning rate and
// a waiting evaluation take effect soon; but where an epoch is short, slices
// are as short as sliceLeast, so that a chart has some points in each epoch.
const (
	sliceMost     = 30 * time.Millisecond
	sliceLeast    = 2 * time.Millisecond
	slicesAnEpoch = 20
)

// pace sizes the slices by how long steps have taken.
type pace struct {
	perStep time.Duration
	last    int
}

// next returns the number of steps of the next slice.
func (p *pace) next(remaining, perEpoch int) int {
	n := 1
	if p.perStep > 0 {
		least, most := int(sliceLeast/p.perStep), int(sliceMost/p.perStep)
		n = min(max(perEpoch/slicesAnEpoch, least, 1), max(most, 1), 4*p.last)
	}
	p.last = n
	return min(n, remaining)
}

// took records how long a slice lasted.
func (p *pace) took(steps int, d time.Duration) {
	one := max(d/time.Duration(steps), 1)
	if p.perStep > 0 {
		one = (p.perStep + one) / 2
	}
	p.perStep = one
}

// turn is a lock on the device's side of a trainer. It is handed over in the
// order of asking, so that an evaluation gets in between two slices, and
// whoever waits for it can give up.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return stopped(ctx)
	}
}

func (t turn) give() { <-t }
