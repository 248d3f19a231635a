package train

import (
	"context"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// evalKey says what an evaluation program was compiled for: batches of n rows
// out of a set on the device.
type evalKey struct {
	set *feed.Resident
	n   int
}

// predictKey says what a prediction program was compiled for.
type predictKey struct {
	n             int
	probabilities bool
}

// chunk is the number of rows that evaluation and prediction take at a time: a
// power of two, at least 64 and not far from the batch.
func (m *machine) chunk() int {
	n := 64
	for n < m.spec.Batch && n < 1024 {
		n *= 2
	}
	return n
}

// measure returns the loss and the metrics over all rows of a set. Between
// two chunks it ends when the context does.
func (m *machine) measure(ctx context.Context, set *feed.Resident) ([]Metric, error) {
	rows, chunk := set.Set.Len(), min(m.chunk(), set.Set.Len())
	var pipe *feed.Pipe
	if set.Window > 0 {
		pipe = set.Pipe(0, feed.InTurn(rows, set.Window))
		defer pipe.Close()
	}
	first, number := true, 0
	for done := 0; done < rows; {
		if err := stopped(ctx); err != nil {
			return nil, err
		}
		n := min(chunk, rows-done)
		p, err := m.evalProgram(set, n)
		if err != nil {
			return nil, err
		}
		if first {
			first = false
			if err := m.mem.zero(m.mem.named(sumsEval)...); err != nil {
				return nil, err
			}
		}
		if pipe != nil && done%set.Window == 0 {
			w, err := pipe.Next(ctx)
			if err != nil {
				return nil, err
			}
			if err := m.mem.putI32(sumsEval+"cursor", 0); err != nil {
				return nil, err
			}
			number = w.Number
		}
		p.use(tables(set, number))
		if err := p.run(ctx, 1); err != nil {
			return nil, err
		}
		done += n
	}
	metrics, err := m.spec.metrics(set.Set)
	if err != nil {
		return nil, err
	}
	return metrics.Values(sumsEval, m.mem.numbers)
}

func (m *machine) evalProgram(set *feed.Resident, n int) (*program, error) {
	key := evalKey{set, n}
	if p := m.evals[key]; p != nil {
		return p, nil
	}
	p, err := m.mem.compile(tables(set, 0), func() (*ir.Graph, error) { return evalGraph(m.spec, set, n) })
	if err == nil {
		m.evals[key] = p
	}
	return p, err
}

// forget drops the programs that read the given set, which is about to go.
func (m *machine) forget(set *feed.Resident) {
	for key, p := range m.evals {
		if key.set == set {
			p.free()
			delete(m.evals, key)
		}
	}
}

// predict runs the model on the rows of x. The rows are taken in chunks whose
// sizes are powers of two, so that a handful of programs serve any number.
func (m *machine) predict(ctx context.Context, x feed.Array, raw bool) (feed.Array, error) {
	out := m.spec.Model.Output(OutputName)
	y := feed.Array{DType: out.DType, Shape: out.Shape.Bind(x.Len())}
	probabilities := m.loss.Link() != "" && !raw
	for done := 0; done < x.Len(); {
		n := m.chunk()
		for n > x.Len()-done {
			n /= 2
		}
		p, err := m.predictProgram(n, probabilities)
		if err != nil {
			return y, err
		}
		if err := p.bind.Inputs[0].Upload(0, x.Slice(done, done+n).Data); err != nil {
			return y, err
		}
		if err := p.run(ctx, 1); err != nil {
			return y, err
		}
		rows := make([]byte, out.Shape.Bind(n).Elems()*out.DType.Size())
		if err := p.bind.Outputs[0].Download(0, rows); err != nil {
			return y, err
		}
		y.Data = append(y.Data, rows...)
		done += n
	}
	return y, nil
}

func (m *machine) predictProgram(n int, probabilities bool) (*program, error) {
	key := predictKey{n, probabilities}
	if p := m.predicts[key]; p != nil {
		return p, nil
	}
	// All sizes share the buffers of the largest.
	in, out := m.spec.input(), m.spec.Model.Output(OutputName)
	given := map[string]backend.Buffer{}
	for name, v := range map[string]*ir.Value{InputName: in, scratchOut + OutputName: out} {
		bytes := int64(v.Shape.Bind(m.chunk()).Elems() * v.DType.Size())
		if err := m.mem.need(scratchPredict+name, bytes); err != nil {
			return nil, err
		}
		given[name] = m.mem.bufs[scratchPredict+name]
	}
	p, err := m.mem.compile(given, func() (*ir.Graph, error) { return predictGraph(m.spec, n, probabilities) })
	if err == nil {
		m.predicts[key] = p
	}
	return p, err
}
