package train

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// find runs a range test that must end well.
func find(t *testing.T, tr *Trainer, in LRRange) LRCurve {
	t.Helper()
	c, err := tr.FindLR(context.Background(), in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// valleys are specifications that differ in what a range test could spoil, beside
// those that differ in what there is to remember.
func valleys(t *testing.T) map[string]Spec {
	specs := restorable(t)
	delete(specs, "lbfgs")
	for name, change := range map[string]func(*Spec){
		"mixup":       func(s *Spec) { s.Mixup = 0.4 },
		"accumulated": func(s *Spec) { s.Accumulate = 2 },
		"early stop":  func(s *Spec) { s.EarlyStop = &EarlyStop{Patience: 100} },
		"windows":     func(s *Spec) { s.Data, _ = sourced(t, s.Data); s.Window = 2 * s.Batch },
	} {
		spec := noisySpec(t)
		change(&spec)
		specs[name] = spec
	}
	return specs
}

// A trainer that has looked for a rate in the middle of an epoch goes on, bit for
// bit, like one that has not, and nobody has heard of it.
func TestFindLRChangesNothing(t *testing.T) {
	ctx, in := context.Background(), LRRange{Steps: 30}
	var c LRCurve
	for name, spec := range valleys(t) {
		dev := device(t)
		tr, reference := trainer(t, dev, spec), trainer(t, dev, spec)
		for _, each := range []*Trainer{tr, reference} {
			if err := each.TrainSteps(ctx, 5); err != nil {
				t.Fatal(name, err)
			}
		}
		bytes := live(dev)
		untouched(t, name, tr, func() { c = find(t, tr, in) })
		if n := live(dev); n != bytes {
			t.Errorf("%s: %d bytes are left", name, n-bytes)
		}
		if len(c.Rates) < 10 || len(c.Losses) != len(c.Rates) || len(c.Smooth) != len(c.Rates) {
			t.Errorf("%s: %+v", name, c)
		}
		for _, each := range []*Trainer{tr, reference} {
			fit(t, each, 2)
		}
		if a, b := take(t, reference), take(t, tr); !reflect.DeepEqual(a.States, b.States) {
			t.Errorf("%s: the training that followed is another one", name)
		}
		sameHistory(t, reference, tr)
	}
}

// untouched fails unless a trainer is after f what it was before, and has told
// nobody anything.
func untouched(t *testing.T, name string, tr *Trainer, f func()) {
	t.Helper()
	a, was := take(t, tr), tr.Info()
	defer tr.Subscribe(func(e Event) { t.Errorf("%s: the event %+v", name, e) })()
	f()
	b := take(t, tr)
	a.Time, b.Time, a.EpochTime, b.EpochTime = time.Time{}, time.Time{}, 0, 0 // a training that is paused may wait for rows
	if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(tr.Info(), was) {
		t.Errorf("%s: %+v became %+v", name, was, tr.Info())
	}
}

// An interrupt, a fault of the device and of the data, and a loss that diverges
// leave the trainer as it is, too.
func TestFindLRThatEndsEarly(t *testing.T) {
	spec := noisySpec(t)
	data, src := sourced(t, spec.Data)
	spec.Data, spec.Window = data, 2*spec.Batch
	bare := device(t)
	dev := &failing{Device: bare}
	tr := trainer(t, dev, spec)
	stopAt(t, tr, 5)
	interrupted, cause := errors.New("interrupted"), errors.New("the device is lost")
	for name, c := range map[string]struct {
		begin func(at int, stop func(error))
		want  func(error) bool
	}{
		"interrupt": {func(at int, stop func(error)) {
			if at == 7 {
				stop(interrupted)
			}
		}, func(err error) bool { return errors.Is(err, interrupted) && errors.Is(err, context.Canceled) }},
		"device": {func(at int, _ func(error)) {
			if at == 7 {
				dev.err = cause
			}
		}, func(err error) bool { _, ok := errors.AsType[*DeviceError](err); return ok && errors.Is(err, cause) }},
		"data": {func(at int, _ func(error)) { src.bad.Store(3) },
			func(err error) bool { _, ok := errors.AsType[*feed.RowError](err); return ok }},
	} {
		bytes := live(bare)
		untouched(t, name, tr, func() {
			ctx, stop := context.WithCancelCause(context.Background())
			at := 0
			_, err := tr.FindLR(ctx, LRRange{}, func(LRCurve) { at++; c.begin(at, stop) })
			if !c.want(err) {
				t.Errorf("%s: got %v", name, err)
			}
			stop(nil)
		})
		dev.err = nil
		src.bad.Store(-1)
		if n := live(bare); n != bytes {
			t.Errorf("%s: %d bytes are left", name, n-bytes)
		}
	}
	untouched(t, "diverged", tr, func() {
		if c := find(t, tr, LRRange{From: 1e-3, To: 1e38, Steps: 20}); c.Note == "" || len(c.Rates) >= 20 {
			t.Errorf("%+v", c)
		}
	})
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.FindLR(context.Background(), LRRange{}, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// failing is a device that runs no program while it has an error.
type failing struct {
	backend.Device
	err error
}

func (d *failing) Compile(p *plan.Program) (backend.Executable, error) {
	e, err := d.Device.Compile(p)
	return failingProgram{e, d}, err
}

type failingProgram struct {
	backend.Executable
	dev *failing
}

func (p failingProgram) Submit(b backend.Bindings, steps int) backend.Completion {
	if p.dev.err != nil {
		return failed{p.dev.err}
	}
	return p.Executable.Submit(b, steps)
}

type failed struct{ error }

func (f failed) Wait() error { return f.error }

// A training goes on while rates are tried, or stays paused, and both go their ways.
func TestFindLRBesideATraining(t *testing.T) {
	dev, spec := device(t), noisySpec(t)
	spec.Data, _ = sourced(t, spec.Data)
	spec.Window = 2 * spec.Batch
	tr, reference := trainer(t, dev, spec), trainer(t, dev, spec)
	ended := make(chan error)
	begun := make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) })
	defer tr.Subscribe(func(Event) { begin() })()
	go func() { ended <- tr.Train(context.Background(), 200) }()
	<-begun
	c := find(t, tr, LRRange{})
	if err := tr.Pause(context.Background()); err != nil {
		t.Fatal(err)
	}
	if s := tr.Info().State; s == Paused {
		untouched(t, "paused", tr, func() { c = find(t, tr, LRRange{}) })
	}
	tr.Resume()
	if err := <-ended; err != nil || len(c.Rates) == 0 {
		t.Fatal(err)
	}
	fit(t, reference, 200)
	if weights(t, reference) != weights(t, tr) {
		t.Error("the training became another one")
	}
}

// line is y = 3x + noise at x = scale and -scale, and a model of one weight and a
// bias for it. The loss is a parabola, which gradient descent follows to its bottom
// below a rate of 1 / max(scale², 1).
func line(t *testing.T, scale float64) Spec {
	var xs, ys []float32
	src := source{rand.NewPCG(7, 7)}
	for i := range 20 {
		x := scale * float64(1-i%2*2)
		xs, ys = append(xs, float32(x)), append(ys, float32(3*x+scale*src.normal()))
	}
	data, err := feed.NewSet("line", feed.FromF32(xs, 20, 1), feed.FromF32(ys, 20), nil)
	if err != nil {
		t.Fatal(err)
	}
	return Spec{Name: "line", Model: mlp(1, 0, 1), Loss: "mse", Optimizer: optimizer(t, "sgd", 0.1), Batch: 5, Data: data}
}

// descent are the losses of gradient descent on the line with the given rates.
func descent(s Spec, k float64, rates []float64) (losses []float64) {
	xs, ys, b := s.Data.X.F32s(), s.Data.Y.F32s(), 0.0
	for i, rate := range rates {
		at := i % 4 * 5
		var loss, slopeK, slopeB float64
		for _, row := range s.rowOrder(i / 4)[at : at+5] {
			x := float64(xs[row])
			e := k*x + b - float64(ys[row])
			loss, slopeK, slopeB = loss+e*e/5, slopeK+2*e*x/5, slopeB+2*e/5
		}
		losses = append(losses, loss)
		k, b = k-rate*slopeK, b-rate*slopeB
	}
	return losses
}

// The losses are those of gradient descent with the rates of the test, epoch after
// epoch, and the rate that is suggested is one that it is stable and quick with.
func TestFindLROfAParabola(t *testing.T) {
	for _, scale := range []float64{1, 5, 30} {
		for _, factor := range []float64{1, 4} { // of a group of parameters
			spec := line(t, scale)
			var err error
			if spec.Optimizer, err = optim.WithGroups(spec.Optimizer, optim.Group{Layers: "dense_*", LR: factor}); err != nil {
				t.Fatal(err)
			}
			tr := trainer(t, device(t), spec)
			most := 1 / (max(scale*scale, 1) * factor)
			c := find(t, tr, LRRange{From: 1e-8, To: 1e4, Steps: 200})
			for i, rate := range c.Rates {
				c.Rates[i] = rate * factor
			}
			want := descent(spec, float64(numbersOf(t, tr)[0]), c.Rates)
			for i, loss := range c.Losses {
				if c.Rates[i] < most && math.Abs(loss-want[i]) > 1e-4*want[i] {
					t.Fatalf("scale %v: the loss of step %d is %v, want %v", scale, i, loss, want[i])
				}
			}
			if c.Suggestion > most || c.Suggestion < most/30 || !strings.Contains(c.Note, "grew beyond 4 times") {
				t.Errorf("scale %v: %v is suggested, the most is %v; %s", scale, c.Suggestion, most, c.Note)
			}
		}
	}
}

// The averages are those of fastai, and so is the end of the test.
func TestLRCurve(t *testing.T) {
	var c LRCurve
	sum := 0.0
	for i := range 60 {
		loss := math.Exp(-float64(i) / 20)
		c.add(float64(i+1), loss)
		sum = 0.98*sum + 0.02*loss
		if want := sum / (1 - math.Pow(0.98, float64(i+1))); math.Abs(c.Smooth[i]-want) > 1e-12 {
			t.Errorf("the average after %d losses is %v, want %v", i+1, c.Smooth[i], want)
		}
		if c.diverged() {
			t.Fatal("a loss that falls diverges")
		}
	}
	low := slices.Min(c.Smooth)
	for !c.diverged() {
		c.add(61, 30)
	}
	if n := len(c.Smooth); c.Smooth[n-1] <= 4*low || c.Smooth[n-2] > 4*low {
		t.Errorf("it ends at %v, the lowest was %v", c.Smooth[n-2:], low)
	}
}

// Where no rate makes the loss fall, none is suggested.
func TestFindLRSuggestsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		in    LRRange
		specs []Spec
		want  string
	}{
		"rates that are too small": {LRRange{From: 1e-15, To: 1e-14}, []Spec{noisySpec(t), line(t, 1)}, "the loss did not fall by more than its noise"},
		"rates that are too large": {LRRange{From: 1e3, To: 1e6}, []Spec{line(t, 1)}, "the loss diverged at the first rates"},
	} {
		for _, spec := range c.specs {
			spec.Optimizer, spec.Seed = optimizer(t, "sgd", 0.1), 4
			if got := find(t, trainer(t, device(t), spec), c.in); got.Suggestion != 0 || !strings.Contains(got.Note, c.want) {
				t.Errorf("%s: %v is suggested: %s", name, got.Suggestion, got.Note)
			}
		}
	}
}

func TestLRRanges(t *testing.T) {
	spec := line(t, 1)
	spec.Batch = 20
	if c := find(t, trainer(t, device(t), spec), LRRange{From: 1e-3, To: 0.5, Steps: leastLRSteps}); c.Suggestion == 0 {
		t.Errorf("of the fewest steps: %+v", c)
	}
	tr := trainer(t, device(t), irisSpec(t))
	for want, in := range map[string]LRRange{
		"do not rise":     {From: 1, To: 1e-3},
		"9 steps":         {Steps: 9},
		"10001 steps":     {Steps: 10001},
		"cannot be -1":    {From: -1},
		"cannot be +Inf":  {To: math.Inf(1)},
		"cannot be 1e+40": {To: 1e40},
	} {
		if _, err := tr.FindLR(context.Background(), in, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	spec = irisSpec(t)
	spec.Optimizer = withSettings(t, "lbfgs", nil)
	if _, err := trainer(t, device(t), spec).FindLR(context.Background(), LRRange{}, nil); err == nil || !strings.Contains(err.Error(), "lbfgs searches along a line") {
		t.Errorf("got %v", err)
	}
}

// A batch of which no row counts has no loss.
func TestFindLRWithoutRowsThatCount(t *testing.T) {
	spec := line(t, 1)
	weights := make([]float32, spec.Data.Len())
	for i := range weights[5:] {
		weights[5+i] = 1
	}
	spec.Ordered, spec.Data.W = true, feed.FromF32(weights, len(weights))
	c := find(t, trainer(t, device(t), spec), LRRange{To: 0.1, Steps: 40})
	if len(c.Losses) != 30 || slices.Min(c.Losses) <= 0 {
		t.Errorf("%d losses of 30: %v", len(c.Losses), c.Losses)
	}
}
