package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/schedule"
)

// FindLR is the learning rate range test (L. N. Smith, Cyclical Learning Rates for
// Training Neural Networks, 2017): steps with rates that rise exponentially, until
// the loss does, too. They are taken by a scout, a copy of the trainer, so that there
// is nothing to put back: whatever comes between, the trainer stays what it is.

// LRRange says which rates FindLR tries. What is 0 is as in DefaultLRRange.
type LRRange struct {
	From, To float64
	Steps    int
}

// DefaultLRRange has the numbers of fastai's lr_find.
var DefaultLRRange = LRRange{From: 1e-7, To: 10, Steps: 100}

// The least number of steps that a slope can be told from, and the most.
const (
	leastLRSteps = 10
	mostLRSteps  = 10_000
)

// LRCurve is the loss over the learning rate.
type LRCurve struct {
	Rates      []float64 // of the steps, as far as they were taken
	Losses     []float64 // of each step's batch, before the step
	Smooth     []float64 // moving averages of these
	Suggestion float64   // 0 when the loss did not fall
	Note       string    // how the test ended, if not at the last rate, and why there is no suggestion
}

// lrSmoothing is how much of the average stays at a step. The test ends when the
// average is lrDiverged times its lowest value.
const (
	lrSmoothing = 0.98
	lrDiverged  = 4
)

func (in LRRange) filled() LRRange {
	if in.From == 0 {
		in.From = DefaultLRRange.From
	}
	if in.To == 0 {
		in.To = DefaultLRRange.To
	}
	if in.Steps == 0 {
		in.Steps = DefaultLRRange.Steps
	}
	return in
}

func (in LRRange) check() error {
	if err := errors.Join(optim.CheckLR(in.From), optim.CheckLR(in.To)); err != nil {
		return err
	}
	if in.From >= in.To {
		return fmt.Errorf("rates from %v to %v do not rise: like 1e-7 to 10", in.From, in.To)
	}
	if in.Steps < leastLRSteps || in.Steps > mostLRSteps {
		return fmt.Errorf("%d steps: a range test takes %d to %d, such as 100", in.Steps, leastLRSteps, mostLRSteps)
	}
	return nil
}

// rate is that of a step, counted from 0.
func (in LRRange) rate(step int) float64 {
	return in.From * math.Pow(in.To/in.From, float64(step)/float64(in.Steps-1))
}

// FindLR tries learning rates on the batches that come next, without the schedule,
// and changes nothing. A training goes on meanwhile, or stays paused. It takes as
// much memory as the trainer has. each, unless nil, is shown the curve after every
// step; when ctx ends the test does, with its cause. When the loss diverges, it ends
// early without an error.
func (t *Trainer) FindLR(ctx context.Context, in LRRange, each func(LRCurve)) (LRCurve, error) {
	in = in.filled()
	if err := in.check(); err != nil {
		return LRCurve{}, err
	}
	if _, ok := t.Spec().Optimizer.(optim.Updater); !ok {
		return LRCurve{}, fmt.Errorf("%s searches along a line for the length of each step: there is no learning rate to find", t.Spec().Optimizer.Name())
	}
	scout, err := t.scout(ctx)
	if err != nil {
		return LRCurve{}, err
	}
	defer scout.Close()
	r, err := scout.begin(ctx, 0, int64(in.Steps))
	if err != nil {
		return LRCurve{}, err
	}
	defer scout.end(r, nil)
	var c LRCurve
	for i := range in.Steps {
		if t.isClosed() {
			return LRCurve{}, ErrClosed
		}
		loss, counts, err := scout.tryRate(r, in.rate(i))
		if _, ok := errors.AsType[*DivergedError](err); ok || math.IsNaN(loss) || math.IsInf(loss, 0) {
			c.Note = fmt.Sprintf("the loss was not finite any more at a rate of %.3g", in.rate(i))
			break
		}
		if stop := stopped(ctx); stop != nil || err != nil {
			return LRCurve{}, errors.Join(stop, err)
		}
		if !counts {
			continue
		}
		c.add(in.rate(i), loss)
		if each != nil {
			each(c)
		}
		if c.diverged() {
			c.Note = fmt.Sprintf("the loss grew beyond %d times its lowest value at a rate of %.3g", lrDiverged, in.rate(i))
			break
		}
	}
	c.suggest(in.Steps)
	return c, nil
}

func (t *Trainer) isClosed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

// scout is another trainer that is what t is at this moment, but for what changes the
// rate or looks at epochs.
func (t *Trainer) scout(ctx context.Context) (*Trainer, error) {
	was, err := t.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	spec := t.Spec()
	spec.Valid, spec.Schedule, spec.Watch, spec.EarlyStop = nil, nil, "", nil
	was.Lowered, was.Watched = schedule.State{}, Watched{}
	was.States = slices.DeleteFunc(was.States, func(p Parameter) bool { return strings.HasPrefix(p.Name, nameBest) })
	scout, err := New(t.dev, spec)
	if err != nil {
		return nil, err
	}
	if err := scout.Restore(was); err != nil {
		scout.Close()
		return nil, err
	}
	return scout, nil
}

// tryRate takes a step and returns the loss of its batch; counts is false when none
// of its rows does.
func (t *Trainer) tryRate(r *run, rate float64) (loss float64, counts bool, err error) {
	if t.epochStep == t.machine.stepsPerEpoch() {
		t.epoch, t.epochStep = t.epoch+1, 0
	}
	t.lr, t.pace = rate, pace{} // whose slices are of one step
	first, before := t.epochStep == 0, t.seen
	if first {
		before = progress{}
	}
	if err := t.slice(r, first); err != nil {
		return 0, false, err
	}
	if t.seen.weight == before.weight {
		return 0, false, nil
	}
	return (t.seen.loss - before.loss) / (t.seen.weight - before.weight), true, nil
}

// add takes a step down. The average is corrected for its beginning at 0, as Adam's
// are.
func (c *LRCurve) add(rate, loss float64) {
	n := len(c.Losses)
	weight := func(n int) float64 { return 1 - math.Pow(lrSmoothing, float64(n)) }
	sum := (1 - lrSmoothing) * loss
	if n > 0 {
		sum += lrSmoothing * weight(n) * c.Smooth[n-1]
	}
	c.Rates, c.Losses, c.Smooth = append(c.Rates, rate), append(c.Losses, loss), append(c.Smooth, sum/weight(n+1))
}

// diverged reports whether the average has left its lowest value far behind.
func (c *LRCurve) diverged() bool {
	best, last := slices.Min(c.Smooth), c.Smooth[len(c.Smooth)-1]
	return last-best > (lrDiverged-1)*math.Abs(best)
}

// suggest takes the middle, on a logarithmic scale, of the rates between which the
// average falls: from where it is a tenth of its fall below its beginning, and out
// of the noise, to its lowest value. (The steepest slope, which Lightning suggests,
// is one of the noise when losses differ much; and fastai's valley, for which the
// least fall counts, is far too low when they do not.) The first tenth of the steps,
// of which averages are made of few losses, is left out.
func (c *LRCurve) suggest(steps int) {
	first := steps / 10
	if len(c.Smooth) < first+leastLRSteps/2 {
		c.say("the loss diverged at the first rates: begin with a lower one")
		return
	}
	list := c.Smooth[first : len(c.Smooth)-1]
	end := slices.Index(list, slices.Min(list))
	fall := list[0] - list[end]
	noise := stat.StdErr(stat.StdDev(c.Losses[:first+1], nil), float64(first+1))
	if fall <= 0 || fall < 2*noise {
		c.say("the loss did not fall by more than its noise: no rate is suggested")
		return
	}
	begin := end
	for list[begin] < list[0]-max(fall/10, noise) {
		begin--
	}
	c.Suggestion = c.Rates[first+(begin+end)/2]
}

func (c *LRCurve) say(note string) {
	if c.Note != "" {
		note = c.Note + "; " + note
	}
	c.Note = note
}
