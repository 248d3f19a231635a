package nb

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Dataset is a handle of data that lives in the core: rows x with a label or
// target y each.
type Dataset struct {
	ref wire.DataRef
	put *upload // of a user's data, nil for built-in sets
}

// upload is a user's data on its way to the core.
type upload struct {
	sync.Mutex
	msg   wire.PutData
	bring func() error // brings it in another way than by msg, if not nil
	where Error
	sent  int // losses() + 1 when it was sent, 0 before
}

// Builtin returns the handle of a data set that the core has. Package datasets
// has a function for each.
func Builtin(name string) *Dataset { return &Dataset{ref: wire.DataRef{Source: name}} }

// Data makes a data set of Go values: xs are rows in nested slices, ys one
// class index (integers or bool) or target (floats, one or several) per row. Rows
// keep their type: images as uint8 take a quarter of the memory of float32, also
// on the device, and each step of training makes floats, 0 to 255, of the rows
// that it takes. The data is sent to the core once, when it is first used; run
// again, a cell recognises it by its name and content. Class names are optional.
func Data(name string, xs, ys any, classes ...string) *Dataset {
	if name == "" {
		argument(`like nb.Data("houses", xs, ys)`, "data needs a name")
	}
	x, err := pack(xs)
	if err != nil {
		argument("pass rows of equal length, like [][]float32", "data %q: x: %v", name, err)
	}
	y, err := pack(ys)
	if err != nil {
		argument("pass one label or target per row", "data %q: y: %v", name, err)
	}
	if len(x.Shape) < 2 || x.Shape[0] == 0 || len(y.Shape) == 0 || x.Shape[0] != y.Shape[0] {
		argument("x needs one row, and y one label or target, for each example",
			"data %q: x has the shape %v and y %v", name, x.Shape, y.Shape)
	}
	pos := userPos()
	msg := wire.PutData{Name: name, X: *x, Y: *y, Classes: classes}
	msg.Hash = contentHash(&msg)
	return &Dataset{
		ref: wire.DataRef{Source: name, User: true},
		put: &upload{msg: msg, where: Error{File: pos.File, Line: pos.Line}},
	}
}

// Weighted returns the data with what each row counts in the loss, numbers of
// 0 or more: the loss is the mean over the rows by these weights. It is for data
// made by Data, before it is split.
func (d *Dataset) Weighted(weights any) *Dataset {
	w, err := pack(weights)
	switch {
	case err != nil:
		argument("pass one number per row, like []float64", "weights: %v", err)
	case d.put == nil || d.put.bring != nil || d.ref.Part != "":
		argument("give weights to nb.Data(...), before Split", "data %q cannot get weights", d.ref.Source)
	case len(w.Shape) != 1 || w.Shape[0] != d.put.msg.X.Shape[0]:
		argument("pass one number per row", "data %q has %d rows, the weights have the shape %v", d.ref.Source, d.put.msg.X.Shape[0], w.Shape)
	}
	msg := d.put.msg
	msg.W = *w
	msg.Hash = contentHash(&msg)
	return &Dataset{ref: d.ref, put: &upload{msg: msg, where: d.put.where}}
}

// contentHash is what the core recognises data by. It guards against mistakes,
// not against forgery.
func contentHash(m *wire.PutData) string {
	h := fnv.New128a()
	h.Write([]byte(m.X.DType + m.Y.DType + strings.Join(m.Classes, "\x00")))
	for _, t := range []*wire.Tensor{&m.X, &m.Y, &m.W} {
		for _, d := range t.Shape {
			h.Write([]byte{byte(d), byte(d >> 8), byte(d >> 16), byte(d >> 24), byte(d >> 32)})
		}
		h.Write(t.Data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// send brings a user's data to the core if that does not have it.
func (d *Dataset) send() error {
	if d.put == nil {
		return nil
	}
	d.put.Lock()
	defer d.put.Unlock()
	now := losses() + 1
	if d.put.sent == now {
		return nil
	}
	bring := d.put.bring
	if bring == nil {
		bring = d.put.bringArrays
	}
	if err := bring(); err != nil {
		e := toError(err)
		e.File, e.Line = d.put.where.File, d.put.where.Line
		return e
	}
	d.put.sent = now
	return nil
}

// bringArrays uploads arrays if the core does not have them.
func (u *upload) bringArrays() error {
	m := u.msg
	_, err := call[wire.DataInfo](&wire.HasData{Name: m.Name, Hash: m.Hash})
	if err == nil || toError(err).Code != CodeUnknown {
		return err
	}
	if err = exportTensor(&m.X); err == nil {
		err = exportTensor(&m.Y)
	}
	if err == nil && m.W.DType != "" {
		err = exportTensor(&m.W)
	}
	if err == nil {
		_, err = call[wire.DataInfo](&m)
	}
	return err
}

// brought is data that comes to the core in its own way.
func brought(name string, bring func() error) *Dataset {
	pos := userPos()
	return &Dataset{
		ref: wire.DataRef{Source: name, User: true},
		put: &upload{bring: bring, where: Error{File: pos.File, Line: pos.Line}},
	}
}

// Ref returns how the core calls the data, which it has after this. Package
// display uses it.
func (d *Dataset) Ref() wire.DataRef {
	must(d.send())
	return d.ref
}

// Split shares the rows out into two parts, test holding the given share of
// each class, by a seeded draw.
func (d *Dataset) Split(testShare float64, seed int64) (train, test *Dataset) {
	if !(testShare > 0 && testShare < 1) {
		argument("like Split(0.2, 1): a fifth of the rows is for testing", "a test share of %v", testShare)
	}
	if d.ref.Part != "" {
		argument("split the whole set", "a part of a split cannot be split again")
	}
	part := func(name string) *Dataset {
		out := *d
		out.ref.Part, out.ref.Share, out.ref.Seed = name, testShare, seed
		return &out
	}
	return part("train"), part("test")
}

// DataInfo describes a data set.
type DataInfo struct {
	Rows    int
	XShape  []int    // of one row
	YShape  []int    // of one row; empty for a class index or one target
	Classes []string // none for regression
	About   string   // source and licence
	Skipped int      // faulty rows that were left out so far
}

// String says it in a line.
func (i DataInfo) String() string {
	s := fmt.Sprintf("%d rows of %v", i.Rows, i.XShape)
	if n := len(i.Classes); n > 0 {
		s += fmt.Sprintf(" in %d classes", n)
	}
	if i.Skipped > 0 {
		s += fmt.Sprintf(", %d left out as faulty", i.Skipped)
	}
	if i.About != "" {
		s += "; " + i.About
	}
	return s
}

// Info asks the core about the data.
func (d *Dataset) Info() DataInfo {
	i := mustCall[wire.DataInfo](&wire.AskData{Ref: d.Ref()})
	return DataInfo{Rows: i.Rows, XShape: i.XShape, YShape: i.YShape, Classes: i.Classes, About: i.About, Skipped: i.Skipped}
}

// Len is the number of rows.
func (d *Dataset) Len() int { return d.Info().Rows }

// X returns rows of x, all when none are named; Y their labels or targets.
func (d *Dataset) X(rows ...int) *Tensor { return d.rows(0, rows) }

// Y returns labels or targets.
func (d *Dataset) Y(rows ...int) *Tensor { return d.rows(1, rows) }

func (d *Dataset) rows(which int, rows []int) *Tensor {
	list := mustCall[wire.Tensors](&wire.Rows{Ref: d.Ref(), Rows: rows}).List
	for i := range list {
		must(importTensor(&list[i]))
	}
	return concrete(&list[which])
}
