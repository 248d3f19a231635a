package conformance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/conformance/interp"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// tolerance allows |got - want| <= abs + rel*|want|, for f32, and one unit in the
// last place more for halves. Integers, bools, NaN and infinities must be equal.
type tolerance struct{ abs, rel float64 }

var (
	exact  = tolerance{0, 0}
	single = tolerance{1e-6, 2e-6} // one rounding, or a function good to two units in the last place
	sums   = tolerance{2e-5, 2e-5} // sums of some hundred products of numbers around 1
)

// data holds the elements of inputs and states by name. They are numbers that
// f32 has exactly.
type data map[string][]float64

// graphOf is the graph with one output, "y".
func graphOf(y *ir.Value) *ir.Graph {
	return ir.NewGraph("test", []ir.Output{{Name: "y", Value: y}}, nil)
}

// check runs y on the device and compares it with the interpreter.
func (s *suite) check(t T, y *ir.Value, given data, tol tolerance) {
	t.Helper()
	s.checkGraph(t, graphOf(y), given, 1, tol)
}

// checkGraph runs a graph for some steps in one Submit; inputs and states not
// given are random. A graph that fails does not end the part, so that a report
// shows what failures have in common.
func (s *suite) checkGraph(t T, g *ir.Graph, given data, steps int, tol tolerance) {
	t.Helper()
	if s.ctx.Err() != nil {
		t.Fatal(s.ctx.Err())
	}
	if s.small && slices.ContainsFunc(g.Values, func(v *ir.Value) bool { return v.Shape.Elems() > mostElems }) {
		return
	}
	s.cases++
	err := s.held(g, given, steps, tol)
	if err == nil {
		return
	}
	if s.failures++; s.failures >= mostFailures {
		t.Fatalf("%v\n%s", err, g)
	}
	t.Errorf("%v\n%s", err, g)
}

// held runs a graph and compares all that it gives with the interpreter.
func (s *suite) held(g *ir.Graph, given data, steps int, tol tolerance) error {
	inputs, states := data{}, data{}
	r := rand.New(rand.NewPCG(1, uint64(len(g.Values))))
	for _, v := range g.Values {
		s.mark(v)
		switch v.Op {
		case ir.OpInput:
			inputs[v.Name] = elements(r, v, given)
		case ir.OpState:
			states[v.Name] = elements(r, v, given)
		}
	}
	gotOut, gotStates, err := s.run(g, inputs, states, steps)
	if err != nil || s.dry || s.build {
		return err
	}
	wantOut, wantStates := data{}, states
	for range steps {
		if wantOut, wantStates, err = interp.Run(g, inputs, wantStates); err != nil {
			return fmt.Errorf("interpreter: %w", err)
		}
	}
	for _, o := range g.Outputs {
		if err := compare("output "+o.Name, gotOut[o.Name], wantOut[o.Name], o.Value.DType, tol); err != nil {
			return err
		}
	}
	for _, v := range g.Leaves(ir.OpState) {
		if err := compare("state "+v.Name, gotStates[v.Name], wantStates[v.Name], v.DType, tol); err != nil {
			return err
		}
	}
	return nil
}

// mark remembers that the suite has run an op, and on which element types.
func (s *suite) mark(v *ir.Value) {
	if s.seen == nil {
		s.seen, s.typed = map[string]bool{}, map[string]*ir.Value{}
	}
	s.seen[v.Op] = true
	if key := signature(v); s.typed[key] == nil {
		s.typed[key] = v
	}
}

// signature is an op with the types of its operands.
func signature(v *ir.Value) string {
	key := v.Op
	for _, in := range v.In {
		key += " " + in.DType.String()
	}
	return key
}

func elements(r *rand.Rand, v *ir.Value, given data) []float64 {
	if x := given[v.Name]; x != nil {
		return x
	}
	x := make([]float64, v.Shape.Elems())
	for i := range x {
		switch v.DType {
		case ir.I32, ir.I64:
			x[i] = float64(r.IntN(21) - 10)
		case ir.U8:
			x[i] = float64(r.IntN(256))
		case ir.Bool:
			x[i] = float64(r.IntN(2))
		default:
			x[i] = ir.RoundTo(v.DType, r.NormFloat64())
		}
	}
	return x
}

// run plans, compiles and runs a graph, and gives everything back.
func (s *suite) run(g *ir.Graph, inputs, states data, steps int) (outputs, newStates data, err error) {
	p, err := plan.New(g)
	if s.optimize {
		p, _, err = compile.Compile(g, compile.Options{})
	}
	if err != nil {
		return nil, nil, err
	}
	exe, err := s.dev.Compile(p)
	if err != nil {
		return nil, nil, err
	}
	defer exe.Free()
	if s.build {
		return nil, nil, nil
	}
	var bufs memory
	defer bufs.free()
	var b backend.Bindings
	for _, v := range p.Inputs {
		b.Inputs = append(b.Inputs, bufs.upload(s.dev, v, inputs[v.Name]))
	}
	for _, v := range p.States {
		b.States = append(b.States, bufs.upload(s.dev, v, states[v.Name]))
	}
	for _, o := range p.Outputs {
		b.Outputs = append(b.Outputs, bufs.upload(s.dev, o.Value, nil))
	}
	if bufs.err == nil {
		bufs.err = exe.Submit(b, steps).Wait()
	}
	outputs, newStates = data{}, data{}
	for i, o := range p.Outputs {
		outputs[o.Name] = bufs.download(b.Outputs[i], o.Value)
	}
	for i, v := range p.States {
		newStates[v.Name] = bufs.download(b.States[i], v)
	}
	return outputs, newStates, bufs.err
}

// memory collects buffers and the first error.
type memory struct {
	bufs []backend.Buffer
	err  error
}

func (m *memory) free() {
	for _, b := range m.bufs {
		b.Free()
	}
}

// upload makes a buffer for v, filled with x if there is one. It is a bit
// larger than v needs, as buffers may be.
func (m *memory) upload(dev backend.Device, v *ir.Value, x []float64) backend.Buffer {
	if m.err != nil {
		return nil
	}
	b, err := dev.Alloc(v.Bytes() + 8)
	if err != nil {
		m.err = err
		return nil
	}
	m.bufs = append(m.bufs, b)
	raw := make([]byte, 0, v.Bytes())
	for _, e := range x {
		raw = ir.AppendElement(raw, v.DType, e)
	}
	m.err = b.Upload(0, raw)
	return b
}

func (m *memory) download(b backend.Buffer, v *ir.Value) []float64 {
	if m.err != nil {
		return nil
	}
	raw := make([]byte, v.Bytes())
	m.err = b.Download(0, raw)
	return ir.Elements(v.DType, raw)
}

// compare tells the first element that is too far off.
func compare(what string, got, want []float64, dtype ir.DType, tol tolerance) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s has %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if !near(got[i], w, dtype, tol) {
			return fmt.Errorf("%s: element %d is %v, want %v (tolerance %g + %g relative)", what, i, got[i], w, tol.abs, tol.rel)
		}
	}
	return nil
}

func near(got, want float64, dtype ir.DType, tol tolerance) bool {
	rounded := ir.RoundTo(dtype, want)
	switch {
	case !dtype.Float():
		return got == want
	case math.IsNaN(want):
		return math.IsNaN(got)
	case got == rounded:
		return true
	}
	bound := tol.abs + tol.rel*math.Abs(want)
	if tol != exact {
		bound += lastPlace(dtype, want)
	}
	return math.Abs(got-want) <= bound
}

// lastPlace is the distance between neighbouring halves around x: where what is
// rounded lies in the middle of two, the smallest error decides. It is 0 for f32.
func lastPlace(d ir.DType, x float64) float64 {
	_, exp := math.Frexp(x)
	switch d {
	case ir.F16:
		return math.Ldexp(1, max(exp-11, -24))
	case ir.BF16:
		return math.Ldexp(1, exp-8)
	}
	return 0
}

// name is a subtest's name for some shapes.
func name(parts ...any) string { return fmt.Sprint(parts...) }
