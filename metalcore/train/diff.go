package train

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// Change is a difference between two specifications.
type Change struct {
	Field string // "model", "loss", "metrics", "penalty", "ema", "mixup", "precision", "optimizer", "schedule",
	// "batch", "accumulate", "seed", "ordered", "data", "lr", "early stop", "valid", "check"
	Detail string // "layer conv2d_1: kernel is [3,3,1,16], it was [3,3,1,8]"
	Live   bool   // may be applied to a trainer that goes on: SetLR, SetSchedule, SetEarlyStop, SetValid, SetHunt
}

// Diff compares a trainer's specification with the one that is wanted now.
// Changes for which the trainer must be replaced come first.
func Diff(was, is Spec) []Change {
	var list []Change
	add := func(field, detail string) {
		if detail != "" {
			list = append(list, Change{field, detail, slices.Contains([]string{"lr", "schedule", "early stop", "valid", "check"}, field)})
		}
	}
	add("model", diffModel(was.Model, is.Model))
	add("loss", diffLoss(&was, &is))
	add("metrics", differ("the list of metrics", fmt.Sprint(is.Metrics), fmt.Sprint(was.Metrics)))
	add("penalty", differ("the penalty", fmt.Sprintf("L1 %v and L2 %v", is.L1, is.L2), fmt.Sprintf("L1 %v and L2 %v", was.L1, was.L2)))
	add("ema", differ("EMA", is.EMA, was.EMA))
	add("mixup", differ("mixup", is.Mixup, was.Mixup))
	add("precision", differ("the precision", is.precision(), was.precision()))
	add("optimizer", diffOptimizer(&was, &is))
	add("batch", differ("the batch size", is.Batch, was.Batch))
	add("accumulate", differ("the number of batches of a step", max(is.Accumulate, 1), max(was.Accumulate, 1)))
	add("seed", differ("the seed", is.Seed, was.Seed))
	add("ordered", differ("ordered", is.Ordered, was.Ordered))
	add("data", diffSet("the data", is.Data, was.Data))
	add("lr", differ("the learning rate", is.Optimizer.Settings()["lr"], was.Optimizer.Settings()["lr"]))
	add("schedule", differ("the schedule", scheduleText(&is), scheduleText(&was)))
	add("early stop", differ("the early stop", is.EarlyStop.text(), was.EarlyStop.text()))
	add("check", differ("Check", is.Hunt, was.Hunt))
	add("valid", diffSet("the validation data", is.Valid, was.Valid))
	return list
}

func differ[T comparable](what string, is, was T) string {
	if is == was {
		return ""
	}
	return fmt.Sprintf("%s is %v, it was %v", what, is, was)
}

func diffLoss(was, is *Spec) string {
	if d := differ("the loss", lossText(is), lossText(was)); d != "" {
		return d
	}
	a, b := was.LossWith.Graph, is.LossWith.Graph
	if a == b || a != nil && b != nil && diffModel(a, b) == "" {
		return ""
	}
	return "the loss is another function than before"
}

// lossText is the loss with its settings, the plain name of one that cannot be.
func lossText(s *Spec) string {
	l, err := s.loss()
	if err != nil {
		return s.Loss
	}
	return l.String()
}

func scheduleText(s *Spec) string {
	switch {
	case s.Schedule == nil:
		return "none"
	case s.Watch != "":
		return s.Schedule.String() + " of " + s.Watch
	}
	return s.Schedule.String()
}

func diffOptimizer(was, is *Spec) string {
	if d := differ("the optimizer", is.Optimizer.Name(), was.Optimizer.Name()); d != "" {
		return d
	}
	old, now := was.Optimizer.Settings(), is.Optimizer.Settings()
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if name != "lr" && old[name] != now[name] {
			return differ("the optimizer's "+name, now[name], old[name])
		}
	}
	return differ("the list of parameter groups", fmt.Sprintf("%+v", is.Optimizer.Groups()), fmt.Sprintf("%+v", was.Optimizer.Groups()))
}

// diffSet compares sets by their content.
func diffSet(what string, is, was *feed.Set) string {
	same := is == was || is != nil && was != nil && is.Name == was.Name && is.Stamp == was.Stamp &&
		sameArray(is.X, was.X) && sameArray(is.Y, was.Y) && sameArray(is.W, was.W) && slices.Equal(is.Classes, was.Classes)
	if same {
		return ""
	}
	text := func(s *feed.Set) string {
		if s == nil {
			return "none"
		}
		return fmt.Sprintf("%q (%d rows)", s.Name, s.Len())
	}
	if text(is) == text(was) {
		return fmt.Sprintf("%s %s has other content than before", what, text(is))
	}
	return fmt.Sprintf("%s is %s, it was %s", what, text(is), text(was))
}

func sameArray(a, b feed.Array) bool {
	return a.DType == b.DType && a.Shape.Equal(b.Shape) && bytes.Equal(a.Data, b.Data)
}

// diffModel names the first layer that differs. Positions in the user's code
// and names of layers without parameters do not matter.
func diffModel(was, is *ir.Graph) string {
	oldAt, newAt := positions(was), positions(is)
	for i := range min(len(was.Values), len(is.Values)) {
		a, b := was.Values[i], is.Values[i]
		if d := diffValue(a, b); d != "" {
			return layerOf(b, is) + ": " + d
		}
		for k := range b.In {
			if oldAt[a.In[k]] != newAt[b.In[k]] {
				return layerOf(b, is) + ": " + b.Op + " takes another input"
			}
		}
	}
	switch n, m := len(was.Values), len(is.Values); {
	case m > n:
		return layerOf(is.Values[n], is) + " is new"
	case n > m:
		return layerOf(was.Values[m], was) + " is missing"
	}
	return diffResults(was, is, oldAt, newAt)
}

// diffResults compares outputs and updates of graphs that hold the same values.
func diffResults(was, is *ir.Graph, oldAt, newAt map[*ir.Value]int) string {
	type result struct {
		name string
		at   int
	}
	list := func(g *ir.Graph, at map[*ir.Value]int) (rs []result) {
		for _, o := range g.Outputs {
			rs = append(rs, result{"output " + o.Name, at[o.Value]})
		}
		for _, u := range g.Updates {
			rs = append(rs, result{"update of " + u.State.Name, at[u.New]})
		}
		return rs
	}
	old, now := list(was, oldAt), list(is, newAt)
	if slices.Equal(old, now) {
		return ""
	}
	return "the outputs or updates differ"
}

func positions(g *ir.Graph) map[*ir.Value]int {
	at := make(map[*ir.Value]int, len(g.Values))
	for i, v := range g.Values {
		at[v] = i
	}
	return at
}

func diffValue(was, is *ir.Value) string {
	what := is.Op
	if is.Name != "" {
		what = strings.TrimLeft(strings.TrimPrefix(is.Name, is.Layer), "./_")
	}
	switch {
	case was.Op != is.Op || len(was.In) != len(is.In):
		return fmt.Sprintf("%s stands where %s was", opText(is), opText(was))
	case was.Name != is.Name:
		return fmt.Sprintf("%s %q was called %q", is.Op, is.Name, was.Name)
	}
	for _, key := range slices.Sorted(maps.Keys(is.Attrs)) {
		if !reflect.DeepEqual(is.Attrs[key], was.Attrs[key]) {
			return fmt.Sprintf("%s of %s is %s, it was %s", key, what, attrText(is, key), attrText(was, key))
		}
	}
	if len(was.Attrs) != len(is.Attrs) {
		return fmt.Sprintf("%s has other attributes", what)
	}
	if !was.Shape.Equal(is.Shape) || was.DType != is.DType {
		return fmt.Sprintf("%s is %s, it was %s", what, shapeText(is, was), shapeText(was, is))
	}
	return ""
}

// attrText prints an attribute, lists of numbers like shapes.
func attrText(v *ir.Value, key string) string {
	if list := v.Ints(key); list != nil {
		return ir.Shape(list).String()
	}
	if v.Attrs[key] == nil {
		return "none"
	}
	return fmt.Sprint(v.Attrs[key])
}

// opText is an op with its layer.
func opText(v *ir.Value) string {
	if v.Layer == "" {
		return v.Op
	}
	return v.Op + " of " + v.Layer
}

// shapeText prints the shape, with the type where the two types differ.
func shapeText(v, other *ir.Value) string {
	if v.DType != other.DType {
		return v.Type()
	}
	return v.Shape.String()
}

// layerOf names the layer of a value: its own, or that of the first value after
// it that has one, because some leaves belong to the layer that uses them.
func layerOf(v *ir.Value, g *ir.Graph) string {
	from := slices.Index(g.Values, v)
	for _, w := range g.Values[from:] {
		if w.Layer != "" {
			return "layer " + w.Layer
		}
	}
	return "the model"
}
