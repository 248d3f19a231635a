package bench

import (
	"math/rand/v2"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// loaded is a compiled graph with memory of its own.
type loaded struct {
	exe     backend.Executable
	bind    backend.Bindings
	buffers []backend.Buffer
}

// load compiles a graph whose batch is bound, and gives its inputs and states
// random numbers.
func load(dev backend.Device, g *ir.Graph) (l *loaded, err error) {
	p, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		return nil, err
	}
	exe, err := dev.Compile(p)
	if err != nil {
		return nil, err
	}
	l = &loaded{exe: exe}
	defer func() {
		if err != nil {
			l.free()
		}
	}()
	r := rand.New(rand.NewPCG(1, 2))
	for _, v := range append(p.Inputs, p.States...) {
		b, err := l.alloc(dev, v)
		if err != nil {
			return nil, err
		}
		if err := b.Upload(0, normal(r, v.Shape).Data); err != nil {
			return nil, err
		}
	}
	for _, o := range p.Outputs {
		if _, err := l.alloc(dev, o.Value); err != nil {
			return nil, err
		}
	}
	in, states := len(p.Inputs), len(p.Inputs)+len(p.States)
	l.bind = backend.Bindings{Inputs: l.buffers[:in], States: l.buffers[in:states], Outputs: l.buffers[states:]}
	return l, nil
}

func (l *loaded) alloc(dev backend.Device, v *ir.Value) (backend.Buffer, error) {
	b, err := dev.Alloc(v.Bytes())
	if err == nil {
		l.buffers = append(l.buffers, b)
	}
	return b, err
}

// run takes n steps.
func (l *loaded) run(n int) error { return l.exe.Submit(l.bind, n).Wait() }

func (l *loaded) free() {
	l.exe.Free()
	for _, b := range l.buffers {
		b.Free()
	}
}

// normal draws from a standard normal distribution.
func normal(r *rand.Rand, shape ir.Shape) feed.Array {
	x := make([]float32, shape.Elems())
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return feed.FromF32(x, shape...)
}
