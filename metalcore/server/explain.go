package server

import (
	"time"

	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// explain answers what a trainer's step or a graph is compiled to.
func (c *client) explain(req *wire.AskExplain) (*wire.Explained, error) {
	opts := compile.Options{Skip: req.Skip, Dump: req.Dump}
	if req.Trainer == "" {
		g, err := parseGraph(req.Graph)
		if err != nil {
			return nil, err
		}
		return Explained(c.server.core.Explain(g, opts))
	}
	t, release, err := c.use(req.Trainer)
	if err != nil {
		return nil, err
	}
	defer release()
	ctx, cancel := c.context()
	defer cancel()
	return Explained(t.Explain(ctx, opts))
}

// Explained is an explanation as it goes over the wire; an error is passed on.
func Explained(e *compile.Explanation, err error) (*wire.Explained, error) {
	if err != nil {
		return nil, bad(err)
	}
	out := &wire.Explained{Name: e.Name, Params: e.Params, Arena: e.Arena, Unshared: e.Unshared, Timed: e.Timed, Text: e.String(), Plan: e.Plan}
	for _, p := range e.Passes {
		out.Passes = append(out.Passes, wire.Pass{Name: p.Name, Doc: p.Doc, Skipped: p.Skipped, Micros: micros(p.Time),
			Before: p.Before, After: p.After, Groups: p.Groups, Text: p.Text})
	}
	for _, k := range e.Kernels {
		out.Kernels = append(out.Kernels, wire.Kernel{Label: k.Label(), Result: k.Result, Layers: k.Layers, Epilogue: k.Epilogue,
			Fused: len(k.Ops), FLOPs: k.FLOPs, Read: k.Read, Written: k.Written, Micros: micros(k.Time)})
	}
	return out, nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
