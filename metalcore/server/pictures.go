package server

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Renderer draws what notebooks show: each method makes one MIME bundle.
// Package display/render is one; the server knows nothing of pictures.
type Renderer interface {
	Library() []wire.Item
	Chart(run wire.Run, final bool) []wire.Item
	Summary(info wire.TrainerInfo, rows []wire.SummaryRow) []wire.Item
	Trainer(info wire.TrainerInfo) []wire.Item
	Data(info wire.DataInfo) []wire.Item
	Images(x wire.Tensor, titles []string, columns int) ([]wire.Item, error)
	Confusion(matrix [][]int, classes []string) ([]wire.Item, error)
	Predictions(list []wire.Prediction) ([]wire.Item, error)
	Explained(e *wire.Explained) []wire.Item
	Memory(m *wire.Memory, session string) []wire.Item
	Compare(runs []wire.Run) []wire.Item
	Rates(id, name string, c *wire.LRCurve, final bool) []wire.Item
}

// firstRows is how many rows a picture shows when none are named, mostRows how
// many may be named, mostClasses the width of the largest confusion matrix.
const (
	firstRows   = 20
	mostRows    = 1000
	mostClasses = 1000
)

// library sends the chart library, once to each page.
func (c *client) library() error {
	if c.session.Served(c.kernel) {
		return nil
	}
	err := c.Send(&wire.Show{Items: c.server.Renderer.Library()})
	if err == nil {
		c.session.SetServed(c.kernel)
	}
	return err
}

// picture answers with something to look at.
func (c *client) picture(req *wire.Picture) (wire.Message, error) {
	items, err := c.draw(req)
	if err != nil {
		return nil, bad(err)
	}
	if req.What == "chart" || req.What == "compare" {
		err = c.library()
	}
	if err != nil {
		return nil, err
	}
	if err := c.Send(&wire.Show{Items: items}); err != nil {
		return nil, err
	}
	return &wire.OK{}, nil
}

func (c *client) draw(req *wire.Picture) ([]wire.Item, error) {
	r := c.server.Renderer
	switch req.What {
	case "images":
		return c.images(req)
	case "compare":
		return c.compare(req.Trainers)
	case "data":
		set, err := c.session.Data(refOf(req.Data))
		if err != nil {
			return nil, err
		}
		return r.Data(dataOf(req.Data, set)), nil
	case "memory":
		return r.Memory(c.server.memory(), c.session.Name()), nil
	case "explain":
		e, err := c.explain(&wire.AskExplain{Trainer: req.Trainer, Graph: req.Graph})
		if err != nil {
			return nil, err
		}
		return r.Explained(e), nil
	}
	t, release, err := c.use(req.Trainer)
	if err != nil {
		return nil, err
	}
	defer release()
	switch req.What {
	case "summary":
		return r.Summary(infoOf(t), summaryOf(t)), nil
	case "trainer":
		return r.Trainer(infoOf(t)), nil
	case "chart":
		run := runOf(t)
		run.ID = fmt.Sprintf("%s-%d", chartID(t, t.Run()), run.Info.Step)
		return r.Chart(*run, true), nil
	case "confusion":
		return c.confusion(t, req)
	case "predictions":
		return c.predictions(t, req)
	}
	return nil, fmt.Errorf("there is no picture %q", req.What)
}

// summaryOf lists the layers of a trainer's model. The kind of a layer is in
// the name that it got by itself; one that the user named goes by its op.
func summaryOf(t *runtime.Trainer) []wire.SummaryRow {
	var rows []wire.SummaryRow
	for _, l := range t.Describe() {
		kind := l.Op
		if i := strings.LastIndexByte(l.Name, '_'); i > 0 && strings.Trim(l.Name[i+1:], "0123456789") == "" {
			kind = l.Name[:i]
		}
		var sizes []string
		for _, d := range l.Shape[min(1, len(l.Shape)):] {
			sizes = append(sizes, strconv.Itoa(d))
		}
		rows = append(rows, wire.SummaryRow{Layer: l.Name, Kind: kind, Output: strings.Join(sizes, "×"), Params: l.Params})
	}
	return rows
}

// images draws a tensor, or rows of data under their labels.
func (c *client) images(req *wire.Picture) ([]wire.Item, error) {
	if req.Data.Source == "" {
		if _, err := c.importArray(&req.X); err != nil {
			return nil, err
		}
		return c.server.Renderer.Images(req.X, req.Titles, 0)
	}
	set, rows, err := c.someRows(req)
	if err != nil {
		return nil, err
	}
	titles := req.Titles
	if labels := set.Y.I32s(); len(titles) == 0 && labels != nil {
		for i := range rows {
			titles = append(titles, className(set, int(labels[i])))
		}
	}
	return c.server.Renderer.Images(tensorOf(set.X), titles, 0)
}

// someRows takes the rows of data that a picture is of.
func (c *client) someRows(req *wire.Picture) (*feed.Set, []int, error) {
	set, err := c.session.Data(refOf(req.Data))
	if err != nil {
		return nil, nil, err
	}
	if len(req.Rows) > mostRows {
		return nil, nil, &runtime.Error{Code: runtime.BadRequest, Message: fmt.Sprintf("a picture of %d rows", len(req.Rows)),
			Remedy: fmt.Sprintf("name at most %d rows", mostRows)}
	}
	rows := rowsOrFirst(req.Rows, firstRows, set.Len())
	set, err = c.inMemory(set, rows)
	return set, rows, err
}

func className(set *feed.Set, label int) string {
	if label >= 0 && label < len(set.Classes) {
		return set.Classes[label]
	}
	return fmt.Sprint(label)
}

// needClasses refuses pictures of classes for trainers and data without them.
func needClasses(t *runtime.Trainer, set *feed.Set) error {
	if set.Y.DType == ir.I32 && t.Spec().Loss == "cross_entropy" {
		return nil
	}
	return &runtime.Error{Code: runtime.BadRequest,
		Message: fmt.Sprintf("trainer %q has the loss %q: this picture is for classifiers, with the loss cross_entropy", t.Spec().Name, t.Spec().Loss),
		Remedy:  "compare t.Predict(data.X()) with data.Y() instead"}
}

func (c *client) confusion(t *runtime.Trainer, req *wire.Picture) ([]wire.Item, error) {
	set, err := c.session.Data(refOf(req.Data))
	if err == nil {
		err = needClasses(t, set)
	}
	if err != nil {
		return nil, err
	}
	if n := len(set.Classes); n > mostClasses {
		return nil, fmt.Errorf("a confusion matrix of %d classes cannot be looked at: there may be %d", n, mostClasses)
	}
	if set, err = c.inMemory(set, nil); err != nil {
		return nil, err
	}
	y, err := t.Predict(set.X, true)
	if err != nil {
		return nil, err
	}
	n := y.Shape[len(y.Shape)-1]
	if n > mostClasses {
		return nil, fmt.Errorf("a confusion matrix of %d classes cannot be looked at: there may be %d", n, mostClasses)
	}
	matrix := make([][]int, n)
	for i := range matrix {
		matrix[i] = make([]int, n)
	}
	scores := y.F32s()
	for i, label := range set.Y.I32s() {
		if int(label) >= n {
			return nil, fmt.Errorf("row %d has the label %d, and the model knows %d classes", i, label, n)
		}
		matrix[label][argmax(scores[i*n:(i+1)*n])]++
	}
	return c.server.Renderer.Confusion(matrix, set.Classes)
}

func (c *client) predictions(t *runtime.Trainer, req *wire.Picture) ([]wire.Item, error) {
	set, rows, err := c.someRows(req)
	if err == nil {
		err = needClasses(t, set)
	}
	if err != nil {
		return nil, err
	}
	y, err := t.Predict(set.X, false)
	if err != nil {
		return nil, err
	}
	n := y.Shape[len(y.Shape)-1]
	probs, labels := y.F32s(), set.Y.I32s()
	list := make([]wire.Prediction, len(rows))
	for i, row := range rows {
		list[i] = wire.Prediction{Title: fmt.Sprintf("row %d", row), Classes: set.Classes, Label: int(labels[i])}
		if s := set.XShape(); len(s) == 2 || len(s) == 3 {
			list[i].Image = tensorOf(set.X.Row(i))
		}
		for _, p := range probs[i*n : (i+1)*n] {
			list[i].Probs = append(list[i].Probs, float64(p))
		}
	}
	return c.server.Renderer.Predictions(list)
}
