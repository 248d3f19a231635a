package nb

import (
	"math"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// EarlyStop ends a training before its goal when a number that is measured at the
// end of each epoch, of the validation data if there are some, has not become
// better for Patience epochs, as Keras's EarlyStopping does. The trainer has
// finished then, and its note says why.
//
// When a training ends, early or at its goal, the weights of the best epoch come
// back, with the states of the layers, like the means of BatchNorm, and the averages
// of EMA. The optimizer, the counts of steps and epochs and the history stay what
// they are, and the next Fit goes on with them. It counts anew; only a training that
// was stopped or failed, or had a number of steps, goes on counting.
//
// A declaration with other numbers takes effect at once.
type EarlyStop struct {
	Metric   string  // "loss"; smaller or larger is better as its name says
	Patience int     // 1
	MinDelta float64 // by which a number must be better to count; 0
	Baseline float64 // which a number must be better than to count; none
	From     int     // the trainer's epochs up to this one do not count; 0
	KeepLast bool    // keep the last weights, not the best
}

// rule is what goes to the core.
func (e EarlyStop) rule() wire.EarlyStop {
	if e.Patience < 0 || e.From < 0 || !(e.MinDelta >= 0) || math.IsInf(e.MinDelta, 0) || math.IsNaN(e.Baseline) || math.IsInf(e.Baseline, 0) {
		argument("use numbers of 0 or more, like nb.EarlyStop{Patience: 5, MinDelta: 1e-3}", "an early stop of %+v", e)
	}
	return wire.EarlyStop{On: true, Watch: e.Metric, Patience: e.Patience, MinDelta: e.MinDelta, Baseline: e.Baseline, From: e.From, KeepLast: e.KeepLast}
}

// Keep says which checkpoints a training makes by itself. They are called epoch-12,
// or step-3400, stand in Checkpoints with the number that was measured, and go when
// others take their place; Restore("best") and Restore("last") find the best and the
// latest. Those that you make stay. They are written beside the training, which does
// not wait; when the disk is full, the trainer's note says so and training goes on.
// Drop removes them with the trainer.
type Keep struct {
	Every  int    // epochs between two; 1
	Steps  int    // steps between two, in place of Every: the first after so many
	Last   int    // so many of the latest stay; none
	Best   int    // the epochs with the best numbers stay; none
	Metric string // "loss", of the validation data if there are some
}

func (k Keep) keep() wire.Keep {
	if min(k.Every, k.Steps, k.Last, k.Best) < 0 || k.Every > 0 && k.Steps > 0 || k != (Keep{}) && k.Last+k.Best == 0 {
		argument("say how many stay, and how far they are apart in epochs or in steps, like nb.Keep{Every: 5, Last: 2, Best: 1}",
			"checkpoints cannot be kept by %+v", k)
	}
	return wire.Keep{Every: k.Every, Steps: k.Steps, Last: k.Last, Best: k.Best, Watch: k.Metric}
}
