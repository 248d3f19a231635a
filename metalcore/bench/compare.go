package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// race is what we and a peer both do.
type race struct {
	name  string // that peers know it by
	unit  string // of what is counted
	each  float64
	goal  float64 // against PyTorch; 0 for none
	ready func(ctx context.Context, at spot) (*racer, error)
}

func (o *Options) races() []race {
	var list []race
	for _, work := range workloads {
		if o.wants(work.name) && work.goal > 0 {
			list = append(list, race{work.name, "steps/s", 1, work.goal, work.ready})
		}
	}
	for _, rows := range inferences {
		if o.wants("infer") {
			list = append(list, race{fmt.Sprint("infer", int(rows)), "samples/s", float64(rows), 0,
				func(_ context.Context, at spot) (*racer, error) { return rows.predict(at) }})
		}
	}
	return list
}

// entrant is a racer with the words that describe it.
type entrant struct {
	*racer
	what string
}

// compare measures workloads against PyTorch and JAX, the best way of each: all
// ways run for a moment first. Then they take turns, so that what disturbs one
// disturbs the other, and the ratio is the median of those of the turns.
func compare(ctx context.Context, w io.Writer, o *Options) error {
	races := o.races()
	if len(races) == 0 {
		return errors.New("nothing of that can be compared: use W1 to W6 and infer")
	}
	dir, err := os.MkdirTemp("", "metalnb-peers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var there []*framework
	for _, script := range []string{"torch.py", "jax.py"} {
		f, err := newFramework(ctx, o, dir, script)
		if missing, ok := errors.AsType[*missingError](err); ok {
			fmt.Fprintln(w, missing)
			continue
		}
		if err != nil {
			return err
		}
		defer f.close()
		there = append(there, f)
	}
	if len(there) == 0 {
		return fmt.Errorf("%s has nothing to compare with: install torch or jax for it", o.Python)
	}
	for _, r := range races {
		if err := r.run(ctx, w, o, there); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
}

// run prints a line for each peer.
func (r race) run(ctx context.Context, w io.Writer, o *Options, peers []*framework) error {
	ours, err := r.ours(ctx, o)
	if err != nil {
		return err
	}
	defer ours.close()
	for _, f := range peers {
		theirs, err := f.best(r.name)
		if err != nil {
			return err
		}
		a, b, ratio, err := turns(o.Rounds, ours.racer, theirs.racer)
		if err != nil {
			return err
		}
		goal := ""
		if r.goal > 0 && f.script == "torch.py" {
			goal = fmt.Sprintf(", goal %v", r.goal)
		}
		fmt.Fprintf(w, "%-8s %9.0f %s (%s), %s %9.0f (%s); %.2f times (%.2f to %.2f)%s\n", r.name, a.median*r.each, r.unit, ours.what,
			f.name, b.median*r.each, theirs.what, ratio.median, ratio.low, ratio.high, goal)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// ours is the workload on the number of threads that suits it best.
func (r race) ours(ctx context.Context, o *Options) (*entrant, error) {
	var all []func() (*entrant, error)
	for _, at := range o.spots() {
		all = append(all, func() (*entrant, error) {
			racer, err := r.ready(ctx, at)
			return &entrant{racer, at.name}, err
		})
	}
	return fastest(all)
}

// fastest lets each run for two rounds and makes the best one again.
func fastest(all []func() (*entrant, error)) (*entrant, error) {
	best, top := 0, 0.0
	for i, make := range all {
		e, err := make()
		if err != nil {
			return nil, err
		}
		rate := 0.0
		for range 2 {
			r, failed := e.round()
			rate, err = max(rate, r), errors.Join(err, failed)
		}
		e.close()
		if err != nil {
			return nil, err
		}
		if rate > top {
			best, top = i, rate
		}
	}
	return all[best]()
}

// turns lets a and b take turns, and returns the rates of both and a's over b's.
func turns(rounds int, a, b *racer) (ra, rb, ratio spread[float64], err error) {
	var as, bs, ratios []float64
	for range rounds {
		x, err := a.round()
		if err != nil {
			return ra, rb, ratio, err
		}
		y, err := b.round()
		if err != nil {
			return ra, rb, ratio, err
		}
		as, bs, ratios = append(as, x), append(bs, y), append(ratios, x/y)
	}
	return spreadOf(as), spreadOf(bs), spreadOf(ratios), nil
}
