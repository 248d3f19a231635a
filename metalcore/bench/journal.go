package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/metalnb/metalnb/metalcore/runtime"
)

// journalRound is how long a round is: long enough for the journal to write at
// the end of an epoch, which it does once a second at most.
const journalRound = 2 * time.Second

// journal measures what it costs a training that it is written down: rounds
// with and without, in turn.
func journal(ctx context.Context, w io.Writer, o *Options) error {
	for _, name := range []string{"W1", "W3"} {
		work := workloads[slices.IndexFunc(workloads, func(x workload) bool { return x.name == name })]
		spots := o.spots()
		if err := work.journal(w, spots[len(spots)-1], o.Rounds); err != nil {
			return err
		}
	}
	return nil
}

func (work workload) journal(w io.Writer, at spot, rounds int) error {
	dir, err := os.MkdirTemp("", "metalnb-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var plain, kept, ratios []float64
	for range rounds {
		without, err := work.inCore(at, "")
		if err != nil {
			return err
		}
		with, err := work.inCore(at, dir)
		if err != nil {
			return err
		}
		plain, kept, ratios = append(plain, without), append(kept, with), append(ratios, without/with)
	}
	cost := spreadOf(ratios)
	fmt.Fprintf(w, "%-6s %3s %9.0f steps/s, %.0f with the journal: a step takes %+.2f %% (%+.2f to %+.2f)\n", work.name, at.name,
		spreadOf(plain).median, spreadOf(kept).median, 100*(cost.median-1), 100*(cost.low-1), 100*(cost.high-1))
	return nil
}

// inCore measures the steps a second in a core of its own, which writes a journal
// in dir, as often as cores do, unless that is empty. A new core for each round
// gives both kinds the same chances of where their memory lies.
func (work workload) inCore(at spot, dir string) (float64, error) {
	dev, err := at.open()
	if err != nil {
		return 0, err
	}
	core := runtime.New(dev)
	defer core.Close()
	if dir != "" {
		core.Keep(runtime.JournalOptions{Dir: dir, Every: 15 * time.Second, Log: func(string, ...any) {}})
	}
	spec, err := work.spec()
	if err != nil {
		return 0, err
	}
	session, leave := core.Join("bench")
	defer leave()
	_, t, err := session.Declare(runtime.Declaration{Spec: spec, Text: work.name}, true)
	if err != nil {
		return 0, err
	}
	defer session.Drop(work.name)
	epochs := repeated(func(n int) error {
		run, err := t.Start(n)
		if err != nil {
			return err
		}
		<-run.Done()
		return run.Err()
	}, journalRound)
	rate, err := epochs()
	return rate * float64(t.Info().StepsPerEpoch), err
}
