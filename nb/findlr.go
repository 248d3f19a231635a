package nb

import (
	"fmt"
	"os"
	"os/signal"
	"slices"

	"github.com/metalnb/metalnb/metalcore/wire"
	"github.com/metalnb/metalnb/nb/pipe"
)

// LRRange says which learning rates FindLR tries. What is 0 is as in fastai: from
// 1e-7 to 10, in 100 steps.
type LRRange struct {
	From, To float64
	Steps    int
}

// LRCurve is the loss over the learning rate.
type LRCurve struct {
	Rates      []float64 // of the steps that were taken
	Losses     []float64 // of each step's batch
	Smooth     []float64 // moving averages of these
	Suggestion float64   // for SetLR; 0 when the loss did not fall
	Note       string    // why the test ended before the last rate, or suggests nothing
}

// String says what was found.
func (c LRCurve) String() string {
	s := "no learning rate is suggested"
	if c.Suggestion > 0 {
		s = fmt.Sprintf("suggested learning rate %.3g", c.Suggestion)
	}
	if len(c.Rates) > 0 {
		low := slices.Min(c.Smooth)
		s += fmt.Sprintf(" (tried %.3g to %.3g; the average loss was lowest, %s, at %.3g)",
			c.Rates[0], c.Rates[len(c.Rates)-1], shortNumber(low), c.Rates[slices.Index(c.Smooth, low)])
	}
	if c.Note != "" {
		s += "\n" + c.Note
	}
	return s
}

// FindLR looks for a learning rate: it takes steps with rates that rise from step to
// step until the loss does, too, and shows the losses in a chart (L. N. Smith's
// range test). The suggestion is the middle of the rates between which the loss
// falls.
//
//	curve := t.FindLR()
//	t.SetLR(curve.Suggestion)
//
// The steps are a copy's, which takes as much memory as the trainer and goes at the
// end: the trainer stays as it is, bit for bit, and may train meanwhile or be paused.
// A schedule is left out, and what it begins with is the rate to look for. A
// trainer whose loss falls no more has no rate to suggest. Interrupting the cell
// ends the test.
func (t *Trainer) FindLR(in ...LRRange) LRCurve {
	req := &wire.FindLR{Trainer: t.spec.Name, Show: pipe.Available()}
	for _, r := range in {
		req.From, req.To, req.Steps = r.From, r.To, r.Steps
	}
	t.Attach()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	var out *wire.LRCurve
	done := make(chan error, 1)
	go func() {
		done <- stream(req, func(m wire.Message) (bool, error) {
			switch m := m.(type) {
			case *wire.Show:
				return false, show(m)
			case *wire.LRCurve:
				out = m
				return true, nil
			}
			return false, fmt.Errorf("%T in answer to FindLR: %w", m, wire.ErrFrame)
		})
	}()
	select {
	case err := <-done:
		must(pipe.Sync())
		must(err)
	case <-interrupts:
		pipe.Sync()
		fail(&Error{Code: CodeInterrupted, Message: fmt.Sprintf("the range test of %s has ended; the trainer is as it was", t.spec.Name)})
	}
	return LRCurve(*out)
}
