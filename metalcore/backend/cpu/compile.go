package cpu

import (
	"fmt"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// maker prepares the kernel of one value. An error says why there is none.
type maker func(c *compiler, v *ir.Value) (kernel, error)

// kernels has a maker for every op that is not elementwise; each family adds its
// own.
var kernels = map[string]maker{plan.OpCopy: makeCopy}

func register(family map[string]maker) {
	for name, m := range family {
		kernels[name] = m
	}
}

// compiler numbers the values and collects how much scratch the kernels need.
type compiler struct {
	ids      map[*ir.Value]int
	prog     *plan.Program
	exe      *executable
	hidden   []hidden
	wide     int // floats of the hidden values
	shared   int // floats
	local    int // floats for each worker
	pointers int // for each worker
	binds    []func(fr *frame)
	pool     *pool
	blas     sgemm // nil: none
}

// id is the number under which a frame holds the value.
func (c *compiler) id(v *ir.Value) int { return c.ids[v] }

// need reserves scratch memory: shared by all workers, and for each of them.
func (c *compiler) need(shared, local int) {
	c.shared, c.local = max(c.shared, shared), max(c.local, local)
}

// Compile prepares a program and allocates its arena.
func (d *Device) Compile(p *plan.Program) (backend.Executable, error) {
	e := &executable{device: d, prog: p, binder: backend.NewBinder("cpu", p)}
	c := &compiler{ids: make(map[*ir.Value]int, len(p.Graph.Values)), prog: p, pool: d.pool, exe: e, blas: d.blas}
	for _, v := range p.Graph.Values {
		if !v.DType.Valid() {
			return nil, unsupported(v, "it has no "+v.DType.String())
		}
		c.ids[v] = e.number(p.Places[v], v)
	}
	for i := range p.Steps {
		if err := e.add(c, i); err != nil {
			return nil, err
		}
	}
	for _, cp := range p.Copies {
		e.copies = append(e.copies, copyOp{from: c.ids[cp.From], to: e.number(cp.To, cp.From)})
	}
	e.binds = c.binds
	return e, e.allocate(c)
}

// number gives the next number to what lies at a place and has the type of v.
func (e *executable) number(p plan.Place, v *ir.Value) int {
	e.places = append(e.places, p)
	e.frame.elems, e.frame.size = append(e.frame.elems, v.Shape.Elems()), append(e.frame.size, v.DType.Size())
	return len(e.places) - 1
}

// words is how many floats the memory of a value takes.
func (fr *frame) words(id int) int { return (fr.elems[id]*fr.size[id] + 3) / 4 }

// add appends the instruction of a step of the program.
func (e *executable) add(c *compiler, number int) error {
	s := &e.prog.Steps[number]
	v := s.Values[len(s.Values)-1]
	if v.Shape.Elems() == 0 {
		return nil
	}
	k, err := c.kernel(s)
	if err != nil {
		return err
	}
	e.instrs = append(e.instrs, instruction{run: k, step: s, number: number})
	return nil
}

// kernel makes the kernel of a step: elementwise values run tile by tile, all
// others have a maker.
func (c *compiler) kernel(s *plan.Step) (kernel, error) {
	v := s.Values[0]
	if e, ok := s.Epilogue(); ok {
		return c.product(s, e), nil
	}
	if plan.Fusible(v.Op) || s.Fused() {
		return elementwise(c, s), nil
	}
	m := kernels[v.Op]
	if m == nil {
		return nil, unsupported(v, "there is no kernel for it")
	}
	k, err := c.widened(m, v)
	if err != nil {
		return nil, unsupported(v, err.Error())
	}
	return k, nil
}

func unsupported(v *ir.Value, why string) error {
	return &backend.UnsupportedError{Device: "cpu", Op: v.Op, Layer: v.Layer, Why: why}
}

// allocate makes arena and scratch one buffer and writes the constants.
func (e *executable) allocate(c *compiler) error {
	threads := e.device.pool.threads
	total := e.prog.Arena + 4*int64(c.wide) + 4*int64(c.shared) + 4*int64(c.local)*int64(threads)
	arena, err := e.device.alloc(total)
	if err != nil {
		return fmt.Errorf("program %s: %w", e.prog.Graph.Name, err)
	}
	e.arena = arena
	rest := (*arena.data.Load())[e.prog.Arena/4:]
	e.frame.vals, e.frame.pool, e.frame.local = make([][]float32, len(e.places)), e.device.pool, make([][]float32, threads)
	for _, h := range c.hidden {
		e.frame.vals[h.id] = rest[h.at : h.at+e.frame.words(h.id)]
	}
	rest = rest[c.wide:]
	e.frame.shared, rest = rest[:c.shared], rest[c.shared:]
	for w := range threads {
		e.frame.local[w], rest = rest[:c.local], rest[c.local:]
		e.frame.table = append(e.frame.table, make([]unsafe.Pointer, c.pointers))
	}
	for _, v := range e.prog.Graph.Values {
		if v.Op == ir.OpConst || v.Op == ir.OpIota {
			e.writeConstant(c.ids[v], v)
		}
	}
	return nil
}

func (e *executable) writeConstant(id int, v *ir.Value) {
	at := e.places[id].Offset / 4
	e.frame.vals[id] = (*e.arena.data.Load())[at : at+int64(e.frame.words(id))]
	if v.Op == ir.OpIota {
		for i := range v.Shape.Elems() {
			view[int32](&e.frame, id)[i] = int32(i)
		}
		return
	}
	repeat(e.frame.bytes(id), ir.AppendElement(nil, v.DType, v.Float("value")))
}

// repeat fills dst with copies of x.
func repeat(dst, x []byte) {
	for n := copy(dst, x); n > 0 && n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

func fill[T any](dst []T, x T) {
	for i := range dst {
		dst[i] = x
	}
}

func makeCopy(c *compiler, v *ir.Value) (kernel, error) {
	dst, src := c.id(v), c.id(v.In[0])
	return func(fr *frame) { copy(fr.bytes(dst), fr.bytes(src)) }, nil
}
