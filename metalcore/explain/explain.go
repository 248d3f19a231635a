// Package explain tells what a graph is compiled to, and measures each kernel
// of the program on the device.
package explain

import (
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// Request says what is to be explained.
type Request struct {
	Graph   *ir.Graph // its batch is bound
	Options compile.Options
	// Inputs are buffers that are only read, by name, and States what states
	// hold at the beginning of each step. Those that are missing are zeros.
	Inputs map[string]backend.Buffer
	States map[string][]byte
	// Check is asked whether so many bytes may be taken; nil for always.
	Check func(bytes int64) error
}

// The measurement takes some steps and ends after a while.
const (
	leastSteps  = 5
	mostSteps   = 200
	measureTime = 150 * time.Millisecond
)

// Explain compiles a graph and measures the kernels of its program, in buffers
// of its own. Without a backend.Timed there are no times.
func Explain(dev backend.Device, req Request) (*compile.Explanation, error) {
	p, report, err := compile.Compile(req.Graph, req.Options)
	if err != nil {
		return nil, err
	}
	if req.Check != nil {
		if err := req.Check(size(p)); err != nil {
			return nil, err
		}
	}
	exe, err := dev.Compile(p)
	if err != nil {
		return nil, err
	}
	defer exe.Free()
	timed, ok := exe.(backend.Timed)
	if !ok {
		return report.Explain(nil), nil
	}
	b := &bench{dev: dev, req: req}
	defer b.free()
	if err := b.prepare(p); err != nil {
		return nil, err
	}
	if err := b.run(timed); err != nil {
		return nil, err
	}
	return report.Explain(timed.Times()), nil
}

// size is the memory that a program takes with all its buffers.
func size(p *plan.Program) int64 {
	sum := p.Arena
	for _, list := range [][]*ir.Value{p.Inputs, p.States} {
		for _, v := range list {
			sum += v.Bytes()
		}
	}
	for _, o := range p.Outputs {
		sum += o.Value.Bytes()
	}
	return sum
}

// bench holds the buffers of a measurement.
type bench struct {
	dev    backend.Device
	req    Request
	bind   backend.Bindings
	own    []backend.Buffer
	starts [][]byte // of the states, in their order
}

func (b *bench) prepare(p *plan.Program) error {
	for _, v := range p.Inputs {
		if err := b.add(&b.bind.Inputs, b.req.Inputs[v.Name], v.Bytes()); err != nil {
			return err
		}
	}
	for _, v := range p.States {
		if err := b.add(&b.bind.States, nil, v.Bytes()); err != nil {
			return err
		}
		start := b.req.States[v.Name]
		if start == nil {
			start = make([]byte, v.Bytes())
		}
		b.starts = append(b.starts, start)
	}
	for _, o := range p.Outputs {
		if err := b.add(&b.bind.Outputs, nil, o.Value.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// add binds a buffer, a new one unless there is one already.
func (b *bench) add(to *[]backend.Buffer, buf backend.Buffer, bytes int64) error {
	if buf == nil {
		var err error
		if buf, err = b.dev.Alloc(bytes); err != nil {
			return err
		}
		b.own = append(b.own, buf)
	}
	*to = append(*to, buf)
	return nil
}

// run takes steps that all begin alike; the first one, which warms up, does not
// count.
func (b *bench) run(exe backend.Timed) error {
	var end time.Time
	for n := 0; n <= leastSteps || n < mostSteps && time.Now().Before(end); n++ {
		if n == 1 {
			exe.Measure(true)
			end = time.Now().Add(measureTime)
		}
		for i, start := range b.starts {
			if err := b.bind.States[i].Upload(0, start); err != nil {
				return err
			}
		}
		if err := exe.Submit(b.bind, 1).Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) free() {
	for _, buf := range b.own {
		buf.Free()
	}
}
