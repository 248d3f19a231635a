package runtime

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/explain"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// explainRows is the batch that a model is explained for, without a trainer
// that says how large its batches are.
const explainRows = 32

// explaining owns the memory of explanations.
var explaining = backend.Owner{Kind: "explanations"}

// Explain tells what a graph is compiled to and measures its kernels, on zeros.
// A model is explained as it predicts, for a batch of 32 rows.
func (c *Core) Explain(g *ir.Graph, opts compile.Options) (*compile.Explanation, error) {
	if slices.ContainsFunc(g.Values, func(v *ir.Value) bool { return v.Shape.HasBatch() }) {
		g = g.Bind(explainRows)
		g.Updates = nil
	}
	g = op.Resolve(g, false)
	dev, done := c.work()
	defer done()
	e, err := explain.Explain(backend.For(dev, explaining), explain.Request{Graph: g, Options: opts, Check: func(bytes int64) error {
		return c.CheckSize("this computation", bytes)
	}})
	if err != nil {
		return nil, classify(err)
	}
	return e, nil
}
