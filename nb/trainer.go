package nb

import (
	"fmt"
	"math"
	"sync"

	"github.com/metalnb/metalnb/metalcore/wire"
	"github.com/metalnb/metalnb/nb/pipe"
)

// Trainer is a handle of a trainer that lives in the core: model, weights,
// optimizer and history outlive the cell. Handles cost nothing; the same
// declaration in another cell is the same trainer.
type Trainer struct {
	spec  wire.TrainerSpec
	data  []*Dataset // what it trains and validates on
	where Error      // the line of the declaration
	model *Tensor
	loss  LossFunc // nil unless the user's own

	attached bool // by Attach, so that nothing is declared

	mu       sync.Mutex
	declared int // losses() + 1 at the declaration, 0 before it
}

// NewTrainer declares a trainer of this notebook. When the core has none of
// that name, the first method that needs it makes it; when it has one of the
// same model, data and settings, the handle attaches to it. Of a declaration
// that changed, the learning rate, its schedule, EarlyStop, Keep and the validation data
// are taken over at once; any other change is refused, with the first difference
// named, unless Config.Replace is set.
func NewTrainer(name string, model *Tensor, config Config) *Trainer {
	check(name, model)
	pos := userPos()
	own, _ := config.Loss.(LossFunc)
	return &Trainer{
		spec: config.spec(name, model), data: []*Dataset{config.Data, config.Valid},
		where: Error{File: pos.File, Line: pos.Line}, model: model, loss: own,
	}
}

// Attach sends the declaration, once in a program, so that the core has the
// trainer. Other methods do so themselves; package display calls it before it
// asks for a picture.
func (t *Trainer) Attach() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := losses() + 1
	if t.declared == now {
		return
	}
	if t.attached {
		t.find()
		t.declared = now
		return
	}
	for _, d := range t.data {
		if d != nil {
			must(d.send())
		}
	}
	if t.loss != nil { // its labels are known only now
		info := t.data[0].Info()
		t.spec.Loss.Graph = t.loss.graph(t.model, &info)
	}
	declared, err := call[wire.Declared](&wire.Declare{Spec: t.spec})
	if err != nil {
		t.failed(err)
	}
	say(t.spec.Name, declared)
	t.declared = now
}

// ask declares the trainer and sends it a request with one answer.
func ask[T any](t *Trainer, req wire.Message) *T {
	t.Attach()
	return mustCall[T](req)
}

// Name is the name it was declared with; of one that Attach found, its whole path.
func (t *Trainer) Name() string { return t.spec.Name }

// Fit trains for some epochs more and shows a living chart and a table of the
// epochs; in a program that is no notebook it prints a line per epoch. The
// rest of an epoch that was stopped counts as the first one.
//
// Interrupting the cell stops training between two steps and ends the cell;
// nothing is lost, and the next Fit goes on from there. A loss that becomes
// NaN or infinite stops training before the step that made it.
func (t *Trainer) Fit(epochs int) {
	t.Attach()
	checkEpochs("Fit", epochs)
	t.follow(&wire.Train{Trainer: t.spec.Name, Epochs: epochs, Show: pipe.Available()})
}

// FitSteps is Fit for a number of steps.
func (t *Trainer) FitSteps(steps int) {
	t.Attach()
	checkSteps("FitSteps", steps)
	t.follow(&wire.Train{Trainer: t.spec.Name, Steps: steps, Show: pipe.Available()})
}

func checkEpochs(method string, epochs int) {
	if epochs <= 0 {
		argument("like t."+method+"(3)", "%d epochs to train", epochs)
	}
}

func checkSteps(method string, steps int) {
	if steps <= 0 {
		argument("like t."+method+"(100)", "%d steps to train", steps)
	}
}

// Start trains in the background for some epochs more and returns at once.
// The cell ends, training goes on; Wait, Stop and SetLR work from other cells. When
// the notebook's kernel ends, it goes on as well, or is paused, if the core began
// with METALNB_AWAY=pause.
//
// Trainings that go on at once, of all notebooks, get the same share of the device's
// time, however long their steps take; evaluations and predictions come in between.
// One that is paused, or waits for its data, leaves its share to the others. On the
// CPU, models so small that a step is one thread's work train side by side.
func (t *Trainer) Start(epochs int) {
	checkEpochs("Start", epochs)
	ask[wire.Trained](t, &wire.Train{Trainer: t.spec.Name, Epochs: epochs, Background: true})
}

// StartSteps is Start for a number of steps.
func (t *Trainer) StartSteps(steps int) {
	checkSteps("StartSteps", steps)
	ask[wire.Trained](t, &wire.Train{Trainer: t.spec.Name, Steps: steps, Background: true})
}

// More has the training under way, be it paused, go on for so many epochs after its
// goal, also one that another cell waits for. When none is under way it is Start.
func (t *Trainer) More(epochs int) {
	checkEpochs("More", epochs)
	ask[wire.Trained](t, &wire.Train{Trainer: t.spec.Name, Epochs: epochs, More: true})
}

// MoreSteps is More for a number of steps.
func (t *Trainer) MoreSteps(steps int) {
	checkSteps("MoreSteps", steps)
	ask[wire.Trained](t, &wire.Train{Trainer: t.spec.Name, Steps: steps, More: true})
}

// Pause holds a training up between two steps, also one that another cell waits
// for, and returns when the device has done the steps before; Resume lets it go on.
// A paused trainer can be evaluated, saved, and given another learning rate.
func (t *Trainer) Pause() { ask[wire.Trained](t, &wire.Pause{Trainer: t.spec.Name}) }

// Resume lets a paused training go on.
func (t *Trainer) Resume() { ask[wire.Trained](t, &wire.Resume{Trainer: t.spec.Name}) }

// Wait shows the progress of a training that Start began, until it ends.
// Interrupting the cell ends the wait and not the training.
func (t *Trainer) Wait() {
	t.Attach()
	t.follow(&wire.Watch{Trainer: t.spec.Name, Show: pipe.Available()})
}

// Stop ends training between two steps and returns when it has ended.
func (t *Trainer) Stop() {
	ask[wire.Trained](t, &wire.Stop{Trainer: t.spec.Name})
}

// SetLR changes the learning rate from the next step on, also of a training
// that runs. It keeps everything else: no rebuild, no upload. A schedule goes
// on from where it is, with this rate in place of the one it began with.
func (t *Trainer) SetLR(lr float64) {
	if !(lr > 0) || math.IsInf(lr, 0) {
		argument("use a positive number, like 1e-3", "a learning rate of %v", lr)
	}
	ask[wire.Trained](t, &wire.SetLR{Trainer: t.spec.Name, LR: lr})
}

// Reset makes new weights, from the seed, and forgets all training.
func (t *Trainer) Reset() {
	ask[wire.OK](t, &wire.Reset{Trainer: t.spec.Name})
}

// Drop removes the trainer from the core, whatever declaration made it.
func (t *Trainer) Drop() { Drop(t.spec.Name) }

// Drop removes the trainer of that name of this notebook; or, where there is none,
// the data and the kept tensor of that name, which cells can make again.
func Drop(name string) { mustCall[wire.OK](&wire.Drop{Trainer: name}) }

// Metrics are measured numbers by name: "loss", and "accuracy" for classes or
// "mae" for numbers. Config.Metrics names more:
//   - classes: "precision", "recall", "f1", "specificity" and "npv", the means
//     over the classes, or of the class 1 for one output; with "_micro" after
//     the name all decisions count alike, with "_weighted" each class as its
//     number of rows; "top2", "top3" and so on; "perplexity"
//   - numbers: "mae", "mse", "rmse", "r2", "mape"
type Metrics map[string]float64

// Epoch is what was measured in one epoch: Train while the weights changed,
// Valid at its end (nil without validation data).
type Epoch struct {
	N       int // from 1
	Steps   int
	Seconds float64
	LR      float64 // of its last step
	Train   Metrics
	Valid   Metrics
}

// Evaluate measures the loss and metrics on data, each row once.
func (t *Trainer) Evaluate(data *Dataset) Metrics {
	if data == nil {
		argument("like t.Evaluate(digits.Test)", "no data to evaluate on")
	}
	return metrics(ask[wire.Metrics](t, &wire.Evaluate{Trainer: t.spec.Name, Data: data.Ref()}).List)
}

func metrics(list []wire.Metric) Metrics {
	if len(list) == 0 {
		return nil
	}
	m := make(Metrics, len(list))
	for _, x := range list {
		m[x.Name] = x.Value
	}
	return m
}

// Predict runs the model on rows x [n, ...]; one row without the axis 0 will
// do. A classifier answers probabilities [n, classes], other models their
// output. Logits returns what the model's last layer makes.
func (t *Trainer) Predict(x *Tensor) *Tensor { return t.predict(x, false) }

// Logits is Predict without the softmax.
func (t *Trainer) Logits(x *Tensor) *Tensor { return t.predict(x, true) }

func (t *Trainer) predict(x *Tensor, raw bool) *Tensor {
	if x == nil {
		argument("like t.Predict(digits.Test.X(0))", "nothing to predict from")
	}
	req := &wire.Predict{Trainer: t.spec.Name, X: *x.eval(""), Raw: raw}
	must(exportTensor(&req.X))
	out := &ask[wire.Tensors](t, req).List[0]
	must(importTensor(out))
	return concrete(out)
}

// History returns what was measured in each epoch.
func (t *Trainer) History() []Epoch {
	run := ask[wire.Run](t, &wire.AskTrainer{Trainer: t.spec.Name})
	out := make([]Epoch, len(run.Epochs))
	for i, e := range run.Epochs {
		out[i] = Epoch{N: e.N, Steps: e.Steps, Seconds: e.Seconds, LR: e.LR, Train: metrics(e.Train), Valid: metrics(e.Valid)}
	}
	return out
}

// Summary shows the model as a table: its layers, their output shapes and
// numbers of parameters.
func (t *Trainer) Summary() { t.picture("summary") }

// Show shows what the trainer is doing, as a card.
func (t *Trainer) Show() { t.picture("trainer") }

// Chart shows the losses and metrics so far, and the table of the epochs.
func (t *Trainer) Chart() { t.picture("chart") }

func (t *Trainer) picture(what string) {
	t.Attach()
	ShowPicture(&wire.Picture{What: what, Trainer: t.spec.Name})
}

// status asks what the trainer is doing.
func (t *Trainer) status() wire.TrainerInfo {
	return ask[wire.Run](t, &wire.AskTrainer{Trainer: t.spec.Name, Brief: true}).Info
}

// Epoch, Steps and LR are the epochs completed, the steps taken and the
// learning rate of the next step. Skipped are those of the steps that the
// optimizer did not take, see Precision. Running says whether a training is under
// way, be it paused.
func (t *Trainer) Epoch() int    { return t.status().Epoch }
func (t *Trainer) Steps() int    { return int(t.status().Step) }
func (t *Trainer) Skipped() int  { return int(t.status().Skipped) }
func (t *Trainer) LR() float64   { return t.status().LR }
func (t *Trainer) Running() bool { i := t.status(); return i.Training() }

// State says what it is doing: "declared" before its first step, "compiling",
// "running", "paused" or "stopping" during a training, and "finished", "stopped"
// before its goal, or "failed" after one.
func (t *Trainer) State() string { return t.status().State }

// String says in one or two lines what the trainer is doing.
func (t *Trainer) String() string {
	i := t.status()
	s := fmt.Sprintf("trainer %s: %s, epoch %d, step %d, lr %.4g", i.Name, i.State, i.Epoch, i.Step, i.LR)
	if i.Skipped > 0 {
		s += fmt.Sprintf(" (%d steps skipped by the loss scale)", i.Skipped)
	}
	for _, m := range i.Last.Train {
		s += fmt.Sprintf(", %s %.4g", m.Name, m.Value)
	}
	for _, m := range i.Last.Valid {
		s += fmt.Sprintf(", validation %s %.4g", m.Name, m.Value)
	}
	if i.Note != "" {
		s += "\n" + i.Note
	}
	return s
}
