package train

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
)

// The rule is that of Keras's EarlyStopping: see testdata/early_stop.py.
func TestEarlyStopAgainstKeras(t *testing.T) {
	text, err := os.ReadFile("testdata/early_stop.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Patience    int
		MinDelta    float64 `json:"min_delta"`
		From        int     `json:"start_from_epoch"`
		Baseline    float64
		Larger      bool
		Numbers     []float64
		Ended, Best int
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatal(err)
	}
	early := 0
	for _, c := range cases {
		rule := &EarlyStop{Patience: c.Patience, MinDelta: c.MinDelta, From: c.From, Baseline: c.Baseline}
		w, ended := Watched{}, 0
		for i, x := range c.Numbers {
			var stop bool
			if w, _, stop = rule.observe(w, i+1, x, c.Larger); stop {
				early++
				ended = i + 1
				break
			}
		}
		if ended == 0 {
			ended = len(c.Numbers)
		}
		if ended != c.Ended || w.Epoch != c.Best {
			t.Errorf("%+v: ended after epoch %d, the best is %d", c, ended, w.Epoch)
		}
	}
	if early < 10 {
		t.Errorf("only %d of %d end early", early, len(cases))
	}
}

// A number that is none is not better, be it the first.
func TestEarlyStopOfNaN(t *testing.T) {
	rule, w, nan := &EarlyStop{Patience: 2}, Watched{}, math.NaN()
	for i, x := range []float64{nan, 5, nan, 4, nan} {
		var stop bool
		if w, _, stop = rule.observe(w, i+1, x, false); stop {
			t.Errorf("it ends after number %d", i+1)
		}
	}
	if want := (Watched{Best: 4, Epoch: 4, Wait: 1}); w != want {
		t.Errorf("it is %+v", w)
	}
	if _, better, stop := rule.observe(w, 6, nan, false); better || !stop {
		t.Error("two that are none do not end it")
	}
}

// earlySpec is of a training that soon becomes too little better.
func earlySpec(t *testing.T) Spec {
	t.Helper()
	spec := noisySpec(t)
	valid, err := spec.Data.Rows("valid", seq(30))
	if err != nil {
		t.Fatal(err)
	}
	spec.Valid, spec.EMA = valid, 0.5
	spec.EarlyStop = &EarlyStop{Patience: 2, MinDelta: 0.02}
	return spec
}

// bestOf is the epoch whose weights should have come back, and the one at which
// training should have ended.
func bestOf(t *testing.T, rule *EarlyStop, list []Epoch) (best, end int) {
	t.Helper()
	w := Watched{}
	for _, e := range list {
		var stop bool
		if w, _, stop = rule.observe(w, e.N, value(t, e.Valid, "loss"), false); stop {
			return w.Epoch, e.N
		}
	}
	return w.Epoch, 0
}

func TestEarlyStopBringsTheBestWeightsBack(t *testing.T) {
	dev, spec := device(t), earlySpec(t)
	tr := trainer(t, dev, spec)
	before := tr.Info().Bytes
	stopAt(t, tr, 9)
	kept := int64(0)
	for _, name := range tr.machine.learned() {
		kept += tr.machine.mem.values[name].Bytes()
	}
	without := trainer(t, dev, func() Spec { s := spec; s.EarlyStop = nil; return s }())
	stopAt(t, without, 9)
	if got := tr.Info().Bytes - without.Info().Bytes; kept == 0 || got < kept || got > 2*kept+4096 {
		t.Errorf("the best weights take %d bytes, and %d are told", kept, got)
	}
	fit(t, tr, 50)
	best, end := bestOf(t, spec.EarlyStop, tr.History())
	i := tr.Info()
	if end == 0 || i.Epoch != end || i.State != Finished || best == end {
		t.Fatalf("best %d, end %d: %+v", best, end, i)
	}
	for _, words := range []string{"validation loss has not improved for 2 epochs; best 0.", "in epoch ", "; weights are those of epoch "} {
		if !strings.Contains(i.Note, words) {
			t.Errorf("the note %q does not say %q", i.Note, words)
		}
	}
	list, _, err := tr.Evaluate(t.Context(), spec.Valid)
	if err != nil || value(t, list, "loss") != value(t, tr.History()[best-1].Valid, "loss") {
		t.Errorf("the loss is %v, and that of epoch %d %v: %v", list, best, tr.History()[best-1], err)
	}
	if n := len(tr.machine.mem.named(nameBest)); n != 0 || tr.watched != (Watched{}) {
		t.Errorf("%d best weights are left, %+v", n, tr.watched)
	}
	parameters := func(tr *Trainer) string {
		list, err := tr.Parameters()
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, p := range list {
			text += string(p.Value.Data)
		}
		return text
	}
	whole := trainer(t, dev, func() Spec { s := spec; s.EarlyStop = nil; return s }())
	fit(t, whole, best)
	if parameters(whole) != parameters(tr) {
		t.Error("the weights are not those of the best epoch")
	}
	fit(t, tr, 1) // the next training counts anew
	if i := tr.Info(); i.Epoch != end+1 || i.Note != "" {
		t.Errorf("after another epoch: %+v", i)
	}
	if err := tr.Reset(); err != nil || tr.Info().Bytes < before {
		t.Errorf("after Reset: %v, %+v", err, tr.Info())
	}
}

// At the goal the best weights come back, too, unless the last are wanted; only a
// training of so many steps goes on with the next.
func TestBestWeightsAtTheGoal(t *testing.T) {
	spec := earlySpec(t)
	spec.EarlyStop = &EarlyStop{Patience: 100, MinDelta: 0.3}
	dev := device(t)
	tr, last, parts := trainer(t, dev, spec), trainer(t, dev, spec), trainer(t, dev, spec)
	fit(t, tr, 6)
	best, _ := bestOf(t, spec.EarlyStop, tr.History())
	if note := tr.Info().Note; best == 6 || !strings.Contains(note, "validation loss was best in epoch ") || !strings.HasSuffix(note, "; weights are those of epoch "+string(rune('0'+best))) {
		t.Errorf("best in epoch %d: %q", best, note)
	}
	if err := last.SetEarlyStop(&EarlyStop{Patience: 100, MinDelta: 0.3, KeepLast: true}); err != nil {
		t.Fatal(err)
	}
	fit(t, last, 6)
	list, _, err := last.Evaluate(t.Context(), spec.Valid)
	if err != nil || value(t, list, "loss") != value(t, last.Info().Last.Valid, "loss") || last.Info().Note != "" {
		t.Errorf("of the last weights: %v, %v, %+v", list, err, last.Info())
	}
	for range 6 {
		if err := parts.TrainSteps(t.Context(), int64(parts.Info().StepsPerEpoch)); err != nil {
			t.Fatal(err)
		}
	}
	if weights(t, parts) == weights(t, tr) || parts.watched.Epoch != best || parts.watched.Wait != 6-best {
		t.Errorf("of steps it is %+v", parts.watched)
	}
	if err := parts.SetEarlyStop(&EarlyStop{Patience: 2, MinDelta: 0.3}); err != nil { // takes effect on what was seen
		t.Fatal(err)
	}
	if err := parts.TrainSteps(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
	if i := parts.Info(); i.Epoch != 7 || i.State != Finished || !strings.Contains(i.Note, "has not improved for ") {
		t.Errorf("with less patience: %+v", i)
	}
}

// Wherever a training is cut, and a snapshot goes on in another trainer, it ends as
// it would have ended: in the same epoch, with the same weights.
func TestEarlyStopGoesOnExactly(t *testing.T) {
	dev, spec := device(t), earlySpec(t)
	whole := trainer(t, dev, spec)
	fit(t, whole, 50)
	want, i := weights(t, whole), whole.Info()
	for at := int64(0); at < i.Step; at += 3 {
		cut := trainer(t, dev, spec)
		stopAt(t, cut, at)
		again := trainer(t, dev, spec)
		if err := again.Restore(take(t, cut)); err != nil {
			t.Fatal(err)
		}
		for _, tr := range []*Trainer{cut, again} {
			fit(t, tr, 50)
			if j := tr.Info(); weights(t, tr) != want || j.Epoch != i.Epoch || j.Note != i.Note {
				t.Errorf("cut after step %d, it is %+v, want %+v", at, j, i)
			}
			sameHistory(t, whole, tr)
		}
		cut.Close()
		again.Close()
	}
	done := take(t, whole)
	again := trainer(t, dev, spec)
	if err := again.Restore(done); err != nil || again.Info().Note != i.Note || again.Info().State != Finished {
		t.Errorf("one that has ended comes back as %+v: %v", again.Info(), err)
	}
}

func TestEarlyStopIsRedeclared(t *testing.T) {
	dev, spec := device(t), earlySpec(t)
	tr := trainer(t, dev, spec)
	stopAt(t, tr, 9)
	if tr.watched.Epoch != 1 || len(tr.machine.mem.named(nameBest)) == 0 {
		t.Fatalf("it has seen %+v", tr.watched)
	}
	for _, c := range []struct {
		rule *EarlyStop
		left bool
	}{{&EarlyStop{Patience: 7}, true}, {&EarlyStop{Watch: "accuracy"}, false}, {nil, false}} {
		if err := tr.SetEarlyStop(c.rule); err != nil || (tr.watched.Epoch > 0) != c.left || (len(tr.machine.mem.named(nameBest)) > 0) != c.left {
			t.Errorf("%v: %v, %+v", c.rule, err, tr.watched)
		}
	}
	for text, rule := range map[string]EarlyStop{
		`the early stop watches "f1", which is not measured: there are loss, accuracy`: {Watch: "f1"},
		"a patience of -1 epochs": {Patience: -1}, "a difference of NaN": {MinDelta: math.NaN()}, "a baseline of +Inf": {Baseline: math.Inf(1)},
	} {
		if err := tr.SetEarlyStop(&rule); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %q", err, text)
		}
		spec.EarlyStop = &rule
		if _, err := New(dev, spec); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %q", err, text)
		}
	}
	s := take(t, tr)
	s.States = append(s.States, Parameter{nameBest + "nobody", feed.FromF32([]float32{1}, 1)})
	if err := tr.Restore(s); err == nil || !strings.Contains(err.Error(), "no state of this trainer") {
		t.Errorf("the best weights of nobody: %v", err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tr.Train(stopped, 1); err == nil {
		t.Error("a context that has ended does not end it")
	}
}

// A training that has put its best weights back is over, and not extended.
func TestExtendAfterTheBestWeights(t *testing.T) {
	tr := trainer(t, device(t), earlySpec(t))
	r, err := tr.begin(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(tr.prepare(r), tr.trainEpoch(r), tr.finishEpoch(r))
	if goal, extended := tr.Extend(1, 0); err != nil || !errors.Is(extended, ErrIdle) {
		t.Errorf("it goes on to epoch %d: %v, %v", goal, extended, err)
	}
	tr.end(r, err)
}

// narrow is a device with room for so many buffers more.
type narrow struct {
	backend.Device
	left int
}

func (d *narrow) Alloc(bytes int64) (backend.Buffer, error) {
	if d.left--; d.left < 0 {
		return nil, errors.New("the device is full")
	}
	return d.Device.Alloc(bytes)
}

// Where there is no memory for all of the best weights the training fails, keeps none
// of them, and goes on when there is some.
func TestBestWeightsWithoutMemory(t *testing.T) {
	dev, spec := &narrow{device(t), 1 << 30}, earlySpec(t)
	tr := trainer(t, dev, spec)
	r, err := tr.begin(t.Context(), 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.end(r, nil)
	err = errors.Join(tr.prepare(r), tr.trainEpoch(r))
	if _, _, more := tr.Evaluate(t.Context(), spec.Valid); err != nil || more != nil { // the program is there then
		t.Fatal(err, more)
	}
	dev.left = 1
	if err := tr.finishEpoch(r); err == nil || !strings.Contains(err.Error(), "the device is full") || dev.left >= 0 {
		t.Fatalf("%d left: %v", dev.left, err)
	}
	if n := len(tr.machine.mem.named(nameBest)); n != 0 {
		t.Errorf("%d of the best weights are kept", n)
	}
	dev.left = 1 << 30
	if err := tr.finishEpoch(r); err != nil || len(tr.machine.mem.named(nameBest)) != len(tr.machine.learned()) || tr.watched.Epoch != 1 {
		t.Errorf("%+v, %v", tr.watched, err)
	}
}
