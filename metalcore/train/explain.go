package train

import (
	"context"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/explain"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// Explain tells what a full training step is compiled to, of one of several parts a
// full part, and measures its kernels. Nothing is trained: the steps that are measured work on copies.
func (t *Trainer) Explain(ctx context.Context, opts compile.Options) (*compile.Explanation, error) {
	release, err := t.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return t.machine.explain(opts)
}

func (m *machine) explain(opts compile.Options) (*compile.Explanation, error) {
	g, err := build(func() (*ir.Graph, error) { return stepGraph(m.spec, m.spec.part()) })
	if err != nil {
		return nil, err
	}
	req := explain.Request{Graph: g, Options: opts, Inputs: map[string]backend.Buffer{}, States: map[string][]byte{}}
	if m.spec.Window == 0 { // else its rows are zeros: windows are filled at any time
		req.Inputs = m.dataTables()
	}
	for _, v := range g.Leaves(ir.OpInput) {
		if buf := m.mem.bufs[v.Name]; buf != nil {
			req.Inputs[v.Name] = buf
		}
	}
	for _, v := range g.Leaves(ir.OpState) {
		buf := m.mem.bufs[v.Name]
		if buf == nil || v.Name == nameTick || v.Name == nameCursor || v.Name == nameHalted {
			continue // zero at the beginning of an epoch
		}
		start := make([]byte, v.Bytes())
		if err := buf.Download(0, start); err != nil {
			return nil, err
		}
		req.States[v.Name] = start
	}
	return explain.Explain(m.mem.dev, req)
}
