package runtime

import (
	"maps"
	"slices"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// Compute runs a graph without states once on named arrays, and returns its
// outputs. Unless store is empty, the session keeps the first output under
// that name.
func (s *Session) Compute(g *ir.Graph, inputs map[string]feed.Array, store string) ([]feed.Array, error) {
	if len(g.Outputs) == 0 || len(g.Leaves(ir.OpState)) > 0 || len(g.Updates) > 0 {
		return nil, errorf(BadRequest, "", "a computation has outputs and no states")
	}
	for _, v := range g.Values {
		if v.Shape.HasBatch() {
			return nil, errorf(BadRequest, "a trainer computes it: t.Predict(x)", "a value %s of a model has no numbers of its own", v.Type())
		}
	}
	out, err := s.compute(g, inputs)
	if err != nil {
		return nil, err
	}
	if store != "" {
		if err := s.core.admit(int64(len(out[0].Data)), backend.Owner{Kind: "tensor", Session: s.name, Name: store}); err != nil {
			return nil, err
		}
		s.mu.Lock()
		s.tensors[store] = out[0]
		s.mu.Unlock()
	}
	return out, nil
}

// Tensor returns a tensor that the session keeps.
func (s *Session) Tensor(name string) (feed.Array, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.tensors[name]; ok {
		return a, nil
	}
	return feed.Array{}, errorf(Unknown, known("the tensors that this notebook keeps are", s.tensors, "keep one with t.Keep(name)"),
		"there is no tensor %q", name)
}

// Tensors lists the names of the tensors that the session keeps.
func (s *Session) Tensors() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.tensors))
}

// compute runs the graph once, in memory that is kept for the next time.
func (s *Session) compute(g *ir.Graph, inputs map[string]feed.Array) ([]feed.Array, error) {
	dev, done := s.core.work()
	defer done()
	x, err := s.core.computation(dev, g)
	if err != nil {
		return nil, err
	}
	out, err := x.run(inputs)
	s.core.computed.keep(x, dev.Info().Memory/computationShare)
	return out, err
}

func download(outputs []ir.Output, buffers []backend.Buffer) ([]feed.Array, error) {
	out := make([]feed.Array, len(outputs))
	for i, o := range outputs {
		out[i] = feed.Array{DType: o.Value.DType, Shape: o.Value.Shape, Data: make([]byte, o.Value.Bytes())}
		if err := buffers[i].Download(0, out[i].Data); err != nil {
			return nil, err
		}
	}
	return out, nil
}
