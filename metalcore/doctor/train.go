package doctor

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/bench"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/train"
)

// How far the loss of an epoch may be from the CPU's. Two ways to add the same
// numbers differ by less than a hundredth of the loss over the epochs that are
// compared, and by more later on: training is chaotic.
const (
	lossAbs  = 0.03
	lossRel  = 0.03
	compared = 20 // epochs
)

// quickBatches is the size of the data of a quick training.
const quickBatches = 16

// trains is the check of training a workload.
func trains(name string) func(ctx context.Context, p *patient) finding {
	return func(ctx context.Context, p *patient) finding {
		spec, err := p.spec(name)
		if err != nil {
			return because(ctx, err)
		}
		ours, err := run(ctx, p.dev, spec, p.Train, math.MaxInt)
		if err != nil {
			return because(ctx, err)
		}
		threads := 0
		if p.kind.Name == "cpu" {
			threads = 1 // sums are the same on any number of threads
		}
		reference := cpu.New(threads)
		defer reference.Close()
		theirs, err := run(ctx, reference, spec, p.Train/4, min(len(ours.losses), compared))
		if err != nil {
			return because(ctx, err)
		}
		last, name := len(ours.losses)-1, reference.Info().Name
		return problems(differences(ours.losses, theirs.losses, name), "%s steps/s; %s; loss %.4f to %.4f in %d epochs, the first %d compared with %s",
			number(ours.rate), p.roof(ours), ours.losses[0], ours.losses[last], last+1, len(theirs.losses), name)
	}
}

// differences are the epochs in which our loss is not theirs, and that it does
// not fall.
func differences(ours, theirs []float64, name string) (list []string) {
	for i, want := range theirs {
		if got := ours[i]; !(math.Abs(got-want) <= lossAbs+lossRel*want) {
			list = append(list, fmt.Sprintf("the loss of epoch %d is %.6f, and %.6f on %s", i+1, got, want, name))
		}
	}
	if first, last := ours[0], ours[len(ours)-1]; len(ours) > 1 && !(last < first) {
		list = append(list, fmt.Sprintf("it does not learn: the loss went from %.6f to %.6f", first, last))
	}
	return list
}

func (p *patient) spec(name string) (train.Spec, error) {
	spec, err := bench.Spec(name)
	if err != nil || !p.Quick {
		return spec, err
	}
	some := make([]int, quickBatches*spec.Batch)
	for i := range some {
		some[i] = i
	}
	spec.Data, err = spec.Data.Rows(name, some)
	return spec, err
}

// training is what came of one.
type training struct {
	losses []float64 // of each epoch
	rate   float64   // steps a second
	step   compile.Kernel
}

// run trains for a while, at least one epoch and at most so many.
func run(ctx context.Context, dev backend.Device, spec train.Spec, about time.Duration, epochs int) (*training, error) {
	t, err := train.New(dev, spec)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	for end := time.Now().Add(about); t.Info().Epoch < epochs; {
		if err := t.Train(ctx, 1); err != nil {
			return nil, err
		}
		if time.Now().After(end) {
			break
		}
	}
	out, steps, seconds := &training{}, 0, 0.0
	for _, e := range t.History() {
		out.losses = append(out.losses, e.Train[0].Value)
		steps, seconds = steps+e.Steps, seconds+e.Seconds
	}
	out.rate = float64(steps) / seconds
	explained, err := t.Explain(ctx, compile.Options{})
	if err != nil {
		return nil, err
	}
	out.step = explained.Total()
	return out, nil
}

// roof says how near a training came to what the device can do, as far as that
// is known, or else was measured before.
func (p *patient) roof(t *training) string {
	top := bench.RoofOf(p.dev.Info())
	flops, moved := "told of the chip", "told of the chip"
	if p.kind.Name == "cpu" {
		flops = "of multiply-adds"
	}
	if top.FLOPs == 0 {
		top.FLOPs, flops = p.gemm, "of products"
	}
	if top.Bytes == 0 {
		top.Bytes, moved = p.moved, "of the bandwidth above"
	}
	return share(t.rate*float64(t.step.FLOPs), top.FLOPs, "GFLOP/s", flops) + ", " +
		share(t.rate*float64(t.step.Read+t.step.Written), top.Bytes, "GB/s", moved) + " (what caches serve is counted, too)"
}

// share is a speed as a part of the greatest one, if that is known.
func share(speed, top float64, unit, what string) string {
	if top == 0 {
		return fmt.Sprintf("%s %s", number(speed/1e9), unit)
	}
	return fmt.Sprintf("%.2f of the %s %s %s", speed/top, number(top/1e9), unit, what)
}

// number has three digits that count, or all before the point.
func number(x float64) string {
	if x >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}
