package train

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/metric"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/schedule"
)

// The names of a model's input and output.
const (
	InputName  = "x"
	OutputName = "y"
)

// Spec says what is to be trained, and how.
type Spec struct {
	Name string
	// Model has the input "x" [B,...] and the output "y"; its parameters are
	// states with an initialiser (ir.AttrInit) and ir.AttrTrain.
	Model      *ir.Graph
	Loss       string        // one of package loss
	LossWith   loss.Settings // of the loss; the zero value is the default
	Metrics    []string      // of package metric, beside the one that goes with the loss
	L1, L2     float64       // penalties on the size of parameters that decay: l1·|p| + l2·p²
	EMA        float64       // how much of the weights' averages stays at a step, see average.go; 0 for no averages
	Mixup      float64       // alpha of mixup, see mixup.go; 0 for none
	Optimizer  optim.Optimizer
	Schedule   *schedule.Schedule // of the learning rate; nil for a constant one
	Watch      string             // the metric that the schedule reacts to; the loss when empty
	EarlyStop  *EarlyStop         // nil for none
	Batch      int                // rows of a step; the last step of an epoch may have fewer
	Accumulate int                // batches of a step, see accumulate.go; 0 for one
	Seed       int64              // of the first weights and of the order of rows
	Ordered    bool               // do not shuffle
	Precision  string             // of the model: one of Precisions, Float32 when empty
	Hunt       bool               // look at every value of each step for numbers that are not finite; slower
	Window     int                // rows of the data that are on the device at a time, a multiple of those of a step; 0 for all, or as many as fit
	Data       *feed.Set
	Valid      *feed.Set // measured after each epoch; may be nil
}

// batch is the number of rows of a full step.
func (s *Spec) batch() int { return min(s.part()*s.parts(), s.Data.Len()) }

// Check reports the first fault of the specification: parts that are missing
// or do not go together.
func (s *Spec) Check() error {
	if s.Model == nil || s.Data == nil || s.Optimizer == nil {
		return errors.New("a trainer needs a model, data and an optimizer")
	}
	if s.Batch < 1 {
		return fmt.Errorf("the batch size is %d: it must be at least 1, such as 32", s.Batch)
	}
	if s.Window < 0 || s.Window%s.batch() != 0 {
		return fmt.Errorf("a window of %d rows: it must be a multiple of the %d of a step", s.Window, s.batch())
	}
	if err := s.checkModel(); err != nil {
		return err
	}
	if err := s.checkParams(); err != nil {
		return err
	}
	if err := s.checkPrecision(); err != nil {
		return err
	}
	if err := s.checkEMA(); err != nil {
		return err
	}
	if err := s.checkMixup(); err != nil {
		return err
	}
	if err := s.checkAccumulate(); err != nil {
		return err
	}
	if err := s.checkData(s.Data); err != nil {
		return err
	}
	if err := s.CheckWatch("the schedule", s.Watch); err != nil {
		return err
	}
	if err := s.checkEarlyStop(); err != nil {
		return err
	}
	if s.Valid == nil {
		return nil
	}
	if err := s.checkData(s.Valid); err != nil {
		return fmt.Errorf("validation: %w", err)
	}
	return nil
}

func (s *Spec) input() *ir.Value {
	for _, v := range s.Model.Leaves(ir.OpInput) {
		if v.Name == InputName {
			return v
		}
	}
	return nil
}

func (s *Spec) checkModel() error {
	if err := op.Check(s.Model); err != nil {
		return err
	}
	x, y := s.input(), s.Model.Output(OutputName)
	if x == nil || y == nil {
		return fmt.Errorf("a model needs an input %q and an output %q that is computed from it", InputName, OutputName)
	}
	for _, v := range s.Model.Leaves(ir.OpInput) {
		if v != x {
			return fmt.Errorf("the model has the input %q: a trainer can give it %q only", v.Name, InputName)
		}
	}
	if len(x.Shape) == 0 || x.Shape[0] != ir.Batch {
		return fmt.Errorf("the model's input is %s: its first axis must be the batch", x.Type())
	}
	if len(y.Shape) == 0 || y.Shape[0] != ir.Batch {
		return fmt.Errorf("the model's output is %s: its first axis must be the batch", y.Type())
	}
	return nil
}

func (s *Spec) checkParams() error {
	params := s.Model.Params()
	if len(params) == 0 {
		return errors.New("the model has no parameters: there is nothing to train; add a layer such as Dense")
	}
	decays := false
	if err := s.checkGroups(params); err != nil {
		return err
	}
	for _, v := range ownStates(s.Model) {
		if v.Shape.HasBatch() {
			return fmt.Errorf("state %q is %s: states cannot depend on the batch", v.Name, v.Type())
		}
		if v.Bool(ir.AttrTrain) && v.DType != ir.F32 {
			return fmt.Errorf("parameter %q is %s: only f32 can be trained", v.Name, v.Type())
		}
		if init := v.Str(ir.AttrInit); !slices.Contains(InitNames(), init) {
			return fmt.Errorf("parameter %q: there is no initialiser %q: there are %s",
				v.Name, init, strings.Join(InitNames(), ", "))
		}
		decays = decays || v.Bool(ir.AttrTrain) && v.Bool(ir.AttrDecay)
	}
	for _, x := range []float64{s.L1, s.L2} {
		if x < 0 || math.IsNaN(x) || math.IsInf(x, 0) || x > 0 && !decays {
			return fmt.Errorf("a penalty of %v: it must be 0 or more, and some parameter of the model marked for it (%q)", x, ir.AttrDecay)
		}
	}
	if w := s.Optimizer.Settings()["weight_decay"]; w != 0 && s.Optimizer.Name() != "adamw" && !decays {
		return fmt.Errorf("weight_decay is %v but no parameter of the model is marked for it (%q)", w, ir.AttrDecay)
	}
	return nil
}

// checkData reports whether model and loss can take the data.
func (s *Spec) checkData(set *feed.Set) error {
	if err := set.Check(); err != nil {
		return err
	}
	if err := s.checkInput(set.X, fmt.Sprintf("data %q", set.Name)); err != nil {
		return err
	}
	if _, err := s.metrics(set); err != nil {
		return fmt.Errorf("data %q: %w", set.Name, err)
	}
	if set != s.Data && len(set.Classes) != len(s.Data.Classes) {
		return fmt.Errorf("data %q has %d classes, the trainer's data %q has %d",
			set.Name, len(set.Classes), s.Data.Name, len(s.Data.Classes))
	}
	return nil
}

// checkGroups reports a parameter group that no parameter belongs to.
func (s *Spec) checkGroups(params []*ir.Value) error {
	for _, g := range s.Optimizer.Groups() {
		if !slices.ContainsFunc(params, func(p *ir.Value) bool { return g.Has(p.Name) }) {
			var names []string
			for _, p := range params {
				names = append(names, p.Name)
			}
			return fmt.Errorf("no parameter belongs to the group %q: there are %s", g.Layers, strings.Join(names, ", "))
		}
	}
	return nil
}

// CheckWatch reports a metric that who is to watch it will not find; the loss when
// it is empty.
func (s *Spec) CheckWatch(who, name string) error {
	if name == "" || name == "loss" {
		return nil
	}
	m, err := s.metrics(s.Data)
	if err == nil && !slices.Contains(m.Names(), name) {
		err = fmt.Errorf("%s watches %q, which is not measured: there are loss, %s", who, name, strings.Join(m.Names(), ", "))
	}
	return err
}

func (s *Spec) loss() (*loss.Loss, error) { return loss.New(s.Loss, s.LossWith) }

// metrics checks that loss and metrics go with the data, and returns them.
func (s *Spec) metrics(set *feed.Set) (*metric.Set, error) {
	l, err := s.loss()
	if err != nil {
		return nil, err
	}
	out := s.Model.Output(OutputName)
	labels := ir.Input("labels", set.Y.DType, append(ir.Shape{ir.Batch}, set.YShape()...)...)
	if err := l.Check(out, labels, len(set.Classes)); err != nil {
		return nil, err
	}
	m, err := metric.NewSet(l, s.Metrics, out, labels)
	if err == nil && set.Weighted() {
		m.Weighted = true
	}
	return m, err
}

func (s *Spec) checkInput(x feed.Array, what string) error {
	in := s.input()
	row := in.Shape[1:]
	if !x.RowShape().Equal(row) {
		return fmt.Errorf("%s: a row of x is %v, the model takes %v: begin the model with Input(%s) or reshape the data",
			what, x.RowShape(), row, strings.Trim(x.RowShape().String(), "[]"))
	}
	if x.DType != in.DType && !in.DType.Float() {
		return fmt.Errorf("%s: x is %v, the model takes %v, and only to floats it is converted: give the data as %v", what, x.DType, in.DType, in.DType)
	}
	return nil
}
