package server

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/feed"
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
	if n := len(req.Rows); n > 0 {
		row := set.Bytes() / int64(set.Len())
		if err := c.server.core.CheckSize(fmt.Sprintf("%d rows", n), row*int64(n)); err != nil {
			return nil, err
		}
		if set, err = set.Rows(set.Name, req.Rows); err != nil {
			return nil, bad(err)
		}
	}
	return c.tensors(set.X, set.Y)
}

func (c *client) compute(req *wire.Compute) (wire.Message, error) {
	inputs := map[string]feed.Array{}
	for i := range req.Inputs {
		in := &req.Inputs[i]
		var a feed.Array
		var err error
		if in.Stored != "" {
			a, err = c.session.Tensor(in.Stored)
		} else {
			a, err = c.importArray(&in.X)
		}
		if err != nil {
			return nil, err
		}
		inputs[in.Name] = a
	}
	if req.Graph == "" { // only a look at one that is stored
		if len(req.Inputs) != 1 {
			return nil, &runtime.Error{Code: runtime.BadRequest, Message: "nothing to compute"}
		}
		return c.tensors(inputs[req.Inputs[0].Name])
	}
	g, err := parseGraph(req.Graph)
	if err != nil {
		return nil, err
	}
	out, err := c.session.Compute(g, inputs, req.Store)
	if err != nil {
		return nil, err
	}
	return c.tensors(out...)
}
