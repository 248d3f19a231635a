package server

import (
	"errors"
	"fmt"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/linalg"
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// data answers the requests about data sets.
func (c *client) data(req wire.Message) (wire.Message, error) {
	switch req := req.(type) {
	case *wire.HasData:
		if !c.session.HasData(req.Name, req.Hash) {
			return nil, &runtime.Error{Code: runtime.Unknown, Message: fmt.Sprintf("data %q of this content is not here", req.Name)}
		}
		return c.dataInfo(wire.DataRef{Source: req.Name, User: true})
	case *wire.PutData:
		return c.putData(req)
	case *wire.LoadData:
		return c.loadData(req)
	case *wire.AskData:
		return c.dataInfo(req.Ref)
	case *wire.Rows:
		return c.rows(req)
	}
	return nil, fmt.Errorf("%T is not about data", req)
}

func (c *client) dataInfo(ref wire.DataRef) (wire.Message, error) {
	set, err := c.session.Data(refOf(ref))
	if err != nil {
		return nil, err
	}
	info := dataOf(ref, set)
	return &info, nil
}

func (c *client) putData(req *wire.PutData) (wire.Message, error) {
	x, err := c.importArray(&req.X)
	if err != nil {
		return nil, err
	}
	y, err := c.importArray(&req.Y)
	if err != nil {
		return nil, err
	}
	var w feed.Array
	if req.W.DType != "" {
		if w, err = c.importArray(&req.W); err != nil {
			return nil, err
		}
	}
	if err := c.session.PutWeighted(req.Name, req.Hash, x, y, w, req.Classes); err != nil {
		return nil, err
	}
	c.server.Log.Printf("%s: data %q, x %v, y %v", c.session.Name(), req.Name, x, y)
	return c.dataInfo(wire.DataRef{Source: req.Name, User: true})
}

func (c *client) rows(req *wire.Rows) (wire.Message, error) {
	set, err := c.session.Data(refOf(req.Ref))
	if err != nil {
		return nil, err
	}
	if set, err = c.inMemory(set, req.Rows); err != nil {
		return nil, err
	}
	return c.tensors(set.X, set.Y)
}

// inMemory returns the rows of those numbers, all if there are none, with their
// elements.
func (c *client) inMemory(set *feed.Set, rows []int) (*feed.Set, error) {
	if len(rows) == 0 && set.Source == nil {
		return set, nil
	}
	n := len(rows)
	if n == 0 {
		n = set.Len()
	}
	err := c.server.core.CheckSize(fmt.Sprintf("%d rows", n), set.Bytes()/int64(set.Len())*int64(n))
	if err == nil && len(rows) > 0 {
		set, err = set.Rows(set.Name, rows)
	}
	if err == nil {
		ctx, cancel := c.context()
		defer cancel()
		set, err = set.Load(ctx)
	}
	if err != nil {
		return nil, bad(err)
	}
	return set, nil
}

func (c *client) compute(req *wire.Compute) (wire.Message, error) {
	arrays, err := c.operands(req.Inputs)
	if err != nil {
		return nil, err
	}
	if req.Graph == "" { // only a look at one that is stored
		if len(arrays) != 1 {
			return nil, &runtime.Error{Code: runtime.BadRequest, Message: "nothing to compute"}
		}
		return c.tensors(arrays[0])
	}
	g, err := parseGraph(req.Graph)
	if err != nil {
		return nil, err
	}
	inputs := map[string]feed.Array{}
	for i, a := range arrays {
		inputs[req.Inputs[i].Name] = a
	}
	out, err := c.session.Compute(g, inputs, req.Store)
	if err != nil {
		return nil, err
	}
	return c.tensors(out...)
}

// operands are the arrays that a request brings or names.
func (c *client) operands(list []wire.Operand) ([]feed.Array, error) {
	out := make([]feed.Array, len(list))
	for i := range list {
		var err error
		if list[i].Stored != "" {
			out[i], err = c.session.Tensor(list[i].Stored)
		} else {
			out[i], err = c.importArray(&list[i].X)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// call computes a function of package linalg; results are f32.
func (c *client) call(req *wire.Call) (wire.Message, error) {
	arrays, err := c.operands(req.Inputs)
	if err != nil {
		return nil, err
	}
	in, bytes := make([]linalg.Array, len(arrays)), int64(0)
	for _, a := range arrays {
		bytes += 8 * int64(a.Shape.Elems())
	}
	if err := c.server.core.CheckSize(req.Func, 4*bytes); err != nil { // in float64, with results and room to work
		return nil, err
	}
	for i, a := range arrays {
		in[i] = linalg.Array{Shape: a.Shape, Data: ir.Elements(a.DType, a.Data)}
	}
	results, err := linalg.Call(req.Func, req.N, in)
	if e, ok := errors.AsType[*linalg.Error](err); ok {
		return nil, &runtime.Error{Code: runtime.BadRequest, Message: e.Message, Remedy: e.Remedy}
	}
	var out []feed.Array
	for _, r := range results {
		a := feed.Array{DType: ir.F32, Shape: r.Shape, Data: make([]byte, 0, 4*len(r.Data))}
		for _, x := range r.Data {
			a.Data = ir.AppendElement(a.Data, ir.F32, x)
		}
		out = append(out, a)
	}
	return c.tensors(out...)
}
