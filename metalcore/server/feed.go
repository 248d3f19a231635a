package server

import (
	"errors"
	"fmt"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/feed/load"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// loadData reads files.
func (c *client) loadData(req *wire.LoadData) (wire.Message, error) {
	for i, path := range req.Paths {
		var err error
		if req.Paths[i], err = c.server.Roots.Resolve(path); err != nil {
			return nil, err
		}
	}
	ctx, cancel := c.context()
	defer cancel()
	err := c.session.LoadData(ctx, req.Name, load.Spec{
		Format: req.Format, Paths: req.Paths, Keys: req.Keys, Classes: req.Classes, Skip: req.Skip, Lazy: req.Lazy,
		Table:  load.Table{Label: req.Label, Columns: req.Columns, OneHot: req.OneHot, Missing: req.Missing, Numbers: req.Numbers, NoHeader: req.NoHeader, Comma: req.Comma},
		Images: load.Pictures{Height: req.Height, Width: req.Width, Gray: req.Gray},
	})
	if err != nil {
		return nil, err
	}
	return c.dataInfo(wire.DataRef{Source: req.Name, User: true})
}

// openStream declares data that the client makes, from the answer on.
func (c *client) openStream(req *wire.OpenStream) (wire.Message, error) {
	x, err := emptyArray(&req.X)
	if err != nil {
		return nil, err
	}
	y, err := emptyArray(&req.Y)
	if err != nil {
		return nil, err
	}
	if err := c.session.OpenStream(req.Name, x, y, req.Classes); err != nil {
		return nil, err
	}
	stream, err := c.session.Stream(req.Name)
	if err != nil {
		return nil, err
	}
	if c.maker != nil {
		c.maker.Leave()
	}
	c.maker, c.offered = stream.Attach(), false
	return c.dataInfo(wire.DataRef{Source: req.Name, User: true})
}

// emptyArray is the type and shape of a tensor.
func emptyArray(t *wire.Tensor) (feed.Array, error) {
	dtype, err := ir.ParseDType(t.DType)
	if err == nil {
		_, err = t.Bytes()
	}
	if err != nil {
		return feed.Array{}, bad(err)
	}
	return feed.Array{DType: dtype, Shape: t.Shape}, nil
}

// offer takes rows of the stream that the client opened, and waits until more are
// wanted.
func (c *client) offer(req *wire.Offer) (wire.Message, error) {
	if c.maker == nil {
		return nil, &runtime.Error{Code: runtime.BadRequest, Message: fmt.Sprintf("no stream %q is open here", req.Name), Remedy: "open it first"}
	}
	if c.offered {
		if err := c.take(req); err != nil {
			return nil, err
		}
	}
	c.offered = true
	ctx, cancel := c.context()
	defer cancel()
	want, ok, err := c.maker.Wanted(ctx)
	switch {
	case err != nil:
		return nil, c.lost()
	case !ok:
		c.maker = nil
		return &wire.OK{}, nil
	}
	return &wire.Pull{From: want.From, Rows: want.Rows}, nil
}

func (c *client) take(req *wire.Offer) error {
	if req.Fault != "" {
		return c.maker.Put(req.From, nil, nil, errors.New(req.Fault))
	}
	x, err := c.importArray(&req.X)
	if err != nil {
		return err
	}
	y, err := c.importArray(&req.Y)
	if err != nil {
		return err
	}
	if err := c.maker.Put(req.From, x.Data, y.Data, nil); err != nil {
		return bad(err)
	}
	return nil
}
