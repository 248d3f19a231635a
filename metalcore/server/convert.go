package server

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/loss"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/schedule"
	"github.com/metalnb/metalnb/metalcore/train"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// finder finds data.
type finder = func(runtime.Ref) (*feed.Set, *runtime.Upload, error)

// declaration makes a declaration of what a cell declared. Its text is that in
// JSON, which later versions can read, too.
func declaration(w *wire.TrainerSpec, find finder) (out runtime.Declaration, err error) {
	out.Spec, err = spec(w)
	if err != nil {
		return out, err
	}
	out.Keep = runtime.Keep(w.Keep)
	text, err := json.Marshal(w)
	if err != nil {
		return out, bad(fmt.Errorf("trainer %q: %w", w.Name, err))
	}
	out.Text = string(text)
	data := func(ref wire.DataRef) *feed.Set {
		if ref.Source == "" || err != nil {
			return nil
		}
		set, upload, failed := find(refOf(ref))
		if err = failed; upload != nil {
			out.Data = append(out.Data, upload)
		}
		return set
	}
	out.Spec.Data, out.Spec.Valid = data(w.Data), data(w.Valid)
	if err == nil && out.Spec.Loss == "" {
		out.Spec.Loss = "mse"
		if out.Spec.Data != nil && out.Spec.Data.Y.DType == ir.I32 {
			out.Spec.Loss = "cross_entropy"
		}
	}
	return out, err
}

// redeclaration is the declaration of a text, for a trainer of any name.
func redeclaration(name, text string, find finder) (runtime.Declaration, error) {
	var w wire.TrainerSpec
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		return runtime.Declaration{}, err
	}
	w.Name = name
	return declaration(&w, find)
}

// spec is what a declaration says of a trainer, but for the data.
func spec(w *wire.TrainerSpec) (train.Spec, error) {
	model, err := parseGraph(w.Model)
	if err != nil {
		return train.Spec{}, err
	}
	optimizer, err := optimizerOf(&w.Optimizer)
	if err != nil {
		return train.Spec{}, bad(err)
	}
	with, err := lossOf(&w.Loss)
	if err != nil {
		return train.Spec{}, err
	}
	out := train.Spec{Name: w.Name, Model: model, Loss: w.Loss.Name, LossWith: with, Metrics: w.Metrics,
		L1: w.L1, L2: w.L2, EMA: w.EMA, Mixup: w.Mixup, Optimizer: optimizer, Watch: w.Schedule.Watch, Precision: w.Precision, Batch: w.Batch, Accumulate: w.Accumulate, Seed: w.Seed, Ordered: w.Ordered, Hunt: w.Check}
	if w.Schedule.Name != "" {
		if out.Schedule, err = schedule.New(w.Schedule.Name, numbers(w.Schedule.Settings)); err != nil {
			return train.Spec{}, bad(err)
		}
	}
	if e := w.EarlyStop; e.On {
		out.EarlyStop = &train.EarlyStop{Watch: e.Watch, Patience: e.Patience, MinDelta: e.MinDelta, Baseline: e.Baseline, From: e.From, KeepLast: e.KeepLast}
	}
	return out, nil
}

func numbers(list []wire.Setting) map[string]float64 {
	out := map[string]float64{}
	for _, s := range list {
		out[s.Name] = s.Value
	}
	return out
}

func optimizerOf(w *wire.Optimizer) (optim.Optimizer, error) {
	o, err := optim.New(w.Name, numbers(w.Settings))
	if err != nil || len(w.Groups) == 0 {
		return o, err
	}
	var groups []optim.Group
	for _, g := range w.Groups {
		groups = append(groups, optim.Group(g))
	}
	return optim.WithGroups(o, groups...)
}

func lossOf(w *wire.Loss) (loss.Settings, error) {
	out := loss.Settings{Numbers: numbers(w.Settings), Weights: w.Weights, Ignore: w.Ignore}
	if w.Graph == "" {
		return out, nil
	}
	g, err := parseGraph(w.Graph)
	out.Graph = g
	return out, err
}

// parseGraph reads a graph that a client sent and checks it.
func parseGraph(text string) (*ir.Graph, error) {
	g, err := ir.Parse(text)
	if err == nil {
		err = g.Check()
	}
	if err == nil {
		err = op.Check(g)
	}
	if err != nil {
		return nil, bad(err)
	}
	return g, nil
}

func refOf(r wire.DataRef) runtime.Ref {
	return runtime.Ref{Source: r.Source, User: r.User, Part: r.Part, Share: r.Share, Seed: r.Seed}
}

func dataOf(ref wire.DataRef, set *feed.Set) wire.DataInfo {
	if set == nil {
		return wire.DataInfo{Ref: ref}
	}
	return wire.DataInfo{Ref: ref, Rows: set.Len(), XShape: set.XShape(), YShape: set.YShape(),
		Classes: set.Classes, Bytes: set.Bytes(), About: set.About, Skipped: set.Faults()}
}

// infoOf is what the wire says of a trainer.
func infoOf(t *runtime.Trainer) wire.TrainerInfo {
	spec, i := t.Spec(), t.Info()
	out := wire.TrainerInfo{
		Name: spec.Name, State: string(i.State), Note: i.Note, Epoch: i.Epoch, Step: i.Step, EpochStep: i.EpochStep,
		StepsPerEpoch: i.StepsPerEpoch, Goal: i.Goal, LR: i.LR, Skipped: i.Skipped, LossScale: i.LossScale, StepsPerSec: i.StepsPerSec, Params: i.Params,
		Bytes: i.Bytes, Batch: spec.Batch, Parts: i.Parts, Loss: i.Loss, Optimizer: spec.Optimizer.Name(),
		Data: dataOf(wire.DataRef{Source: spec.Data.Name}, spec.Data),
	}
	if spec.Valid != nil {
		out.Valid = dataOf(wire.DataRef{Source: spec.Valid.Name}, spec.Valid)
	}
	if i.Last.N > 0 {
		out.Last = epochOf(i.Last)
	}
	return out
}

// mostEpochs is how many epochs, the latest, a Run holds: they fit a frame.
const mostEpochs = 20_000

// runOf is what a chart shows of a trainer.
func runOf(t *runtime.Trainer) *wire.Run {
	run := &wire.Run{Info: infoOf(t)}
	epochs := t.History()
	for _, e := range epochs[max(0, len(epochs)-mostEpochs):] {
		run.Epochs = append(run.Epochs, epochOf(e))
	}
	for _, p := range t.Points() {
		run.Points = append(run.Points, wire.Point{Step: p.Step, Loss: p.Loss})
	}
	return run
}

func epochOf(e train.Epoch) wire.Epoch {
	return wire.Epoch{N: e.N, Steps: e.Steps, Seconds: e.Seconds, LR: e.LR, Train: metricsOf(e.Train), Valid: metricsOf(e.Valid)}
}

func metricsOf(list []train.Metric) []wire.Metric {
	var out []wire.Metric
	for _, m := range list {
		out = append(out, wire.Metric{Name: m.Name, Value: m.Value})
	}
	return out
}

// importArray takes a tensor that a client sent, from its file if need be.
func (c *client) importArray(t *wire.Tensor) (feed.Array, error) {
	size, err := t.Bytes()
	if err == nil {
		err = c.server.core.CheckSize("an array of shape "+ir.Shape(t.Shape).String(), size)
	}
	if err == nil {
		err = t.Import(c.server.Place)
	}
	if err != nil {
		return feed.Array{}, bad(err)
	}
	dtype, err := ir.ParseDType(t.DType)
	if err != nil {
		return feed.Array{}, bad(err)
	}
	a := feed.Array{DType: dtype, Shape: t.Shape, Data: t.Data}
	if err := a.Check(); err != nil {
		return feed.Array{}, bad(err)
	}
	return a, nil
}

// mostHanded is how many of the files that were handed to a client are
// remembered; it has long fetched those before.
const mostHanded = 64

// tensors answers with arrays, large ones in files.
func (c *client) tensors(list ...feed.Array) (*wire.Tensors, error) {
	out := &wire.Tensors{}
	for _, a := range list {
		t := tensorOf(a)
		if err := t.Export(c.server.Place); err != nil {
			return nil, &runtime.Error{Code: runtime.Resource, Message: err.Error(), Err: err}
		}
		out.List = append(out.List, t)
		if t.File != "" {
			c.handed = append(c.handed[max(0, len(c.handed)-mostHanded):], t)
		}
	}
	return out, nil
}

func tensorOf(a feed.Array) wire.Tensor {
	return wire.Tensor{DType: a.DType.String(), Shape: a.Shape, Data: a.Data}
}

// argmax is the place of the largest number.
func argmax(row []float32) int {
	best := 0
	for i, x := range row {
		if x > row[best] || math.IsNaN(float64(row[best])) {
			best = i
		}
	}
	return best
}

// rowsOrFirst are the rows asked for, the first n when none are.
func rowsOrFirst(rows []int, n, total int) []int {
	if len(rows) > 0 {
		return slices.Clone(rows)
	}
	out := make([]int, min(n, total))
	for i := range out {
		out[i] = i
	}
	return out
}
