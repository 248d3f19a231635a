package runtime

import (
	"slices"
	"sync"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// computation is a compiled graph with buffers for its inputs and outputs.
type computation struct {
	text    string // of its graph
	inputs  []*ir.Value
	outputs []ir.Output
	exe     backend.Executable
	bind    backend.Bindings
	bytes   int64
}

// free gives all memory back.
func (x *computation) free() {
	if x.exe != nil {
		x.exe.Free()
	}
	for _, b := range slices.Concat(x.bind.Inputs, x.bind.Outputs) {
		b.Free()
	}
}

// make compiles the program and makes its buffers.
func (x *computation) make(dev backend.Device, program *plan.Program) (err error) {
	if x.exe, err = dev.Compile(program); err != nil {
		return err
	}
	x.bytes = x.exe.Bytes()
	alloc := func(list *[]backend.Buffer, bytes int64) {
		if err != nil {
			return
		}
		var b backend.Buffer
		if b, err = dev.Alloc(bytes); err == nil {
			*list = append(*list, b)
			x.bytes += bytes
		}
	}
	for _, v := range x.inputs {
		alloc(&x.bind.Inputs, v.Bytes())
	}
	for _, o := range x.outputs {
		alloc(&x.bind.Outputs, o.Value.Bytes())
	}
	return err
}

// run computes with the inputs, and returns the outputs.
func (x *computation) run(inputs map[string]feed.Array) ([]feed.Array, error) {
	for i, v := range x.inputs {
		a, ok := inputs[v.Name]
		if !ok || a.DType != v.DType || !a.Shape.Equal(v.Shape) {
			return nil, errorf(BadRequest, "give each input an array of its type and shape", "the input %q is %v, the computation wants %s", v.Name, a, v.Type())
		}
		if err := x.bind.Inputs[i].Upload(0, a.Data); err != nil {
			return nil, err
		}
	}
	if err := x.exe.Submit(x.bind, 1).Wait(); err != nil {
		return nil, err
	}
	return download(x.outputs, x.bind.Outputs)
}

// computations keeps those that were computed last, because a notebook computes
// the same again and again. What comes in ever new shapes does not pile up.
type computations struct {
	mu    sync.Mutex
	list  []*computation // the one used last is last
	bytes int64
}

// mostComputations is how many are kept.
const mostComputations = 64

// take takes out the computation of that text, nil if there is none. Nobody else
// computes with it until it is kept again.
func (c *computations) take(text string) *computation {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, x := range c.list {
		if x.text == text {
			return c.remove(i)
		}
	}
	return nil
}

func (c *computations) remove(i int) *computation {
	x := c.list[i]
	c.list = slices.Delete(c.list, i, i+1)
	c.bytes -= x.bytes
	return x
}

// keep keeps one that nobody computes with. All that are kept have so many bytes
// at most: the oldest go.
func (c *computations) keep(x *computation, most int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, x)
	c.bytes += x.bytes
	for c.bytes > most || len(c.list) > mostComputations {
		c.remove(0).free()
	}
}

// clear frees all that nobody computes with, and tells how many bytes that were.
func (c *computations) clear() (freed int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	freed = c.bytes
	for len(c.list) > 0 {
		c.remove(0).free()
	}
	return freed
}

// computing owns the memory of computations, which the core keeps for all.
var computing = backend.Owner{Kind: "computations"}

// computationShare is the part of the limit that kept computations take at most.
const computationShare = 16

// computation finds or makes what computes a graph.
func (c *Core) computation(dev backend.Device, g *ir.Graph) (*computation, error) {
	text := g.Canonical()
	if x := c.computed.take(text); x != nil {
		return x, nil
	}
	program, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		return nil, wrap(BadRequest, "", err)
	}
	x := &computation{text: text, inputs: program.Inputs, outputs: program.Outputs}
	sum := program.Arena
	for _, v := range x.inputs {
		sum += v.Bytes()
	}
	for _, o := range x.outputs {
		sum += o.Value.Bytes()
	}
	if err := c.CheckSize("this computation", sum); err != nil {
		return nil, err
	}
	if err := x.make(backend.For(dev, computing), program); err != nil {
		x.free()
		return nil, classify(err)
	}
	return x, nil
}
