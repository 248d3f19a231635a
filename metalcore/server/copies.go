package server

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// copies answers the requests for a trainer of another name.
func (c *client) copies(req wire.Message) (wire.Message, error) {
	switch req := req.(type) {
	case *wire.Fork:
		of, name, leave := c.locate(req.Trainer)
		defer leave()
		t, err := c.session.Fork(of, name, req.As)
		if err != nil {
			return nil, err
		}
		c.server.Log.Printf("%s: trainer %q is a fork of %q", c.session.Name(), req.As, req.Trainer)
		return &wire.Declared{Outcome: "forked", Say: t.Tell(), Info: infoOf(t)}, nil
	case *wire.Rename:
		t, err := c.session.Rename(req.Trainer, req.As)
		if err != nil {
			return nil, err
		}
		c.server.Log.Printf("%s: trainer %q is %q now", c.session.Name(), req.Trainer, req.As)
		return &wire.Trained{Info: infoOf(t)}, nil
	}
	return nil, fmt.Errorf("%T is about no copy", req)
}

// checkpoints answers the requests about a trainer's checkpoints.
func (c *client) checkpoints(t *runtime.Trainer, req wire.Message) (wire.Message, error) {
	switch req := req.(type) {
	case *wire.Save:
		path, err := given(req.Path, c.server.Roots.Place)
		if err != nil {
			return nil, err
		}
		saved, err := t.Save(req.Name, path)
		if err != nil {
			return nil, err
		}
		return checkpointsOf(saved), nil
	case *wire.Restore:
		path, err := given(req.Path, c.server.Roots.Resolve)
		if err != nil {
			return nil, err
		}
		if err := t.Load(req.Name, path); err != nil {
			return nil, err
		}
		return &wire.Trained{Info: infoOf(t)}, nil
	case *wire.Import:
		path, err := c.server.Roots.Resolve(req.Path)
		if err != nil {
			return nil, err
		}
		how := runtime.Import{Names: map[string]string{}, Torch: req.Torch, Partial: req.Partial}
		for _, n := range req.Names {
			how.Names[n.Name] = n.File
		}
		if err := t.Import(path, how); err != nil {
			return nil, err
		}
		return &wire.Trained{Info: infoOf(t)}, nil
	case *wire.DropCheckpoint:
		return &wire.OK{}, t.Remove(req.Name)
	case *wire.AskCheckpoints:
		list, err := t.Checkpoints()
		if err != nil {
			return nil, err
		}
		return checkpointsOf(list...), nil
	}
	return nil, fmt.Errorf("%T is about no checkpoint", req)
}

// given is where the path of a request leads, of one that has a path.
func given(path string, lead func(string) (string, error)) (string, error) {
	if path == "" {
		return "", nil
	}
	return lead(path)
}

func checkpointsOf(list ...runtime.Checkpoint) *wire.Checkpoints {
	out := &wire.Checkpoints{}
	for _, p := range list {
		out.List = append(out.List, wire.Checkpoint{Name: p.Name, Path: p.Path, Time: p.Time.UnixNano(), Epoch: p.Epoch, Step: p.Step, Bytes: p.Bytes,
			Kept: p.Kept, Metric: p.Metric, Value: p.Value})
	}
	return out
}
