package server

import (
	"github.com/metalnb/metalnb/metalcore/metric"
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// report answers how a classifier does on data.
func (c *client) report(t *runtime.Trainer, req *wire.AskReport) (wire.Message, error) {
	set, err := c.session.Data(refOf(req.Data))
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.context()
	defer cancel()
	r, err := t.Report(ctx, set)
	if err != nil {
		return nil, bad(err)
	}
	out := &wire.Report{Classes: r.Names, Text: r.String()}
	for _, row := range r.Confusion.Cells {
		out.Cells = append(out.Cells, row...)
	}
	for _, k := range append(r.Confusion.Classes(), r.Confusion.Macro(), r.Confusion.Micro(), r.Confusion.Weighted()) {
		out.Rates = append(out.Rates, ratesOf(k))
	}
	return out, nil
}

func ratesOf(k metric.Class) wire.Rates { return wire.Rates(k) }

// curve answers with a curve of one class.
func (c *client) curve(t *runtime.Trainer, req *wire.AskCurve) (wire.Message, error) {
	set, err := c.session.Data(refOf(req.Data))
	if err != nil {
		return nil, err
	}
	curve, err := t.Curve(set, req.Kind, req.Class)
	if err != nil {
		return nil, bad(err)
	}
	return &wire.Curve{X: curve.X, Y: curve.Y, Thresholds: curve.Thresholds, Area: curve.Area}, nil
}
