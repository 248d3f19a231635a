package nb

import (
	"fmt"
	"math"
	"os"
	"os/signal"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
	"github.com/metalnb/metalnb/nb/pipe"
)

// follow sends a request that is answered by a stream of progress, and shows
// that until it ends. An interrupt stops the training of a Fit, and of a Wait
// only the wait.
func (t *Trainer) follow(req wire.Message) {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	_, fitting := req.(*wire.Train)

	done := make(chan error, 1)
	var last wire.TrainerInfo
	go func() { done <- stream(req, func(m wire.Message) (bool, error) { return progress(m, &last) }) }()
	select {
	case err := <-done:
		must(pipe.Sync())
		must(err)
		if last.Note != "" && !pipe.Available() {
			fmt.Println(last.Note)
		}
	case <-interrupts:
		if fitting {
			stopped, err := call[wire.Trained](&wire.Stop{Trainer: t.spec.Name})
			must(err)
			<-done // what is left of the stream: the chart's last state
			last = stopped.Info
		} else {
			last = t.status()
		}
		pipe.Sync()
		fail(&Error{Code: CodeInterrupted, Message: interrupted(last, fitting)})
	}
}

// interrupted says where training is.
func interrupted(i wire.TrainerInfo, fitting bool) string {
	place := fmt.Sprintf("epoch %d, step %d of %d", i.Epoch+1, i.EpochStep, i.StepsPerEpoch)
	if i.EpochStep == 0 {
		place = fmt.Sprintf("the end of epoch %d", i.Epoch)
	}
	if fitting {
		return fmt.Sprintf("%s stopped at %s (%d steps in all); t.Fit goes on from there", i.Name, place, i.Step)
	}
	return fmt.Sprintf("%s trains on in the background, now at %s; t.Stop() ends it", i.Name, place)
}

// progress handles one message of a stream of training.
func progress(m wire.Message, last *wire.TrainerInfo) (end bool, err error) {
	switch m := m.(type) {
	case *wire.Show:
		return false, show(m)
	case *wire.Event:
		*last = m.Info
		if !pipe.Available() {
			fmt.Println(epochLine(m.Info))
		}
		return false, nil
	case *wire.Trained:
		*last = m.Info
		return true, nil
	}
	return false, fmt.Errorf("%T in a stream of progress: %w", m, wire.ErrFrame)
}

// epochLine is what a program prints at the end of an epoch.
func epochLine(i wire.TrainerInfo) string {
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d/%d", i.Last.N, i.Goal)
	for _, m := range i.Last.Train {
		fmt.Fprintf(&b, "  %s %s", m.Name, shortNumber(m.Value))
	}
	for _, m := range i.Last.Valid {
		fmt.Fprintf(&b, "  val_%s %s", m.Name, shortNumber(m.Value))
	}
	fmt.Fprintf(&b, "  %.2fs", i.Last.Seconds)
	return b.String()
}

// shortNumber prints four digits behind the point where that says something.
func shortNumber(x float64) string {
	if a := math.Abs(x); a >= 1e-3 && a < 1e4 || a == 0 {
		return fmt.Sprintf("%.4f", x)
	}
	return fmt.Sprintf("%.3e", x)
}
