package gpu

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// Code is a program lowered to kernels: what a step of it does on a GPU.
type Code struct {
	Program *plan.Program
	Kernels []Kernel // each text once
	Calls   []Call   // in an order in which they could run one by one
	Arena   int64    // bytes: the program's own, and scratch behind it
}

// Call runs a kernel, or a product of the vendor's library.
type Call struct {
	Kernel  int          // number in Code.Kernels
	Product *ProductSpec // instead of a kernel; its result is the last of Args
	Args    []Arg
	Groups  [3]int
	Step    int  // of the program; len(Steps) for copies at its end
	Barrier bool // what came before in the step must have ended

	blocks []block // what an elementwise call computes, so that it can be joined with others
}

// Arg is memory that a call reads or writes.
type Arg struct {
	plan.Place // Arena, Input, State or Output
	Bytes      int64
	Write      bool
}

// overlaps reports whether two arguments share memory.
func (a *Arg) overlaps(b *Arg) bool {
	if a.Kind != b.Kind {
		return false
	}
	if a.Kind != plan.Arena {
		return a.Index == b.Index
	}
	return a.Offset < b.Offset+b.Bytes && b.Offset < a.Offset+a.Bytes
}

// lowerer turns the steps of a program into calls.
type lowerer struct {
	code    *Code
	prog    *plan.Program
	limits  Limits
	dialect Dialect
	library func(s ProductSpec) bool // reports whether the vendor's library is to compute it; nil: none
	kernel  map[string]int           // number by name
	step    int
	home    map[*ir.Value]*ir.Value // in whose memory a value lies that has none, while its step runs
	scratch int64                   // bytes that the step's scratch takes so far
	most    int64
}

// lowering emits the calls of one value. An error says why there are none.
type lowering func(l *lowerer, v *ir.Value) error

// lowerings has one for every op that is not elementwise; each family adds its
// own.
var lowerings = map[string]lowering{}

func register(family map[string]lowering) {
	for name, f := range family {
		lowerings[name] = f
	}
}

// Lower turns a program into kernels for a dialect within limits. The library
// says which products a vendor's library computes; nil: none. An op, type or
// size that no kernel can have is a *backend.UnsupportedError.
func Lower(p *plan.Program, d Dialect, limits Limits, library func(s ProductSpec) bool) (*Code, error) {
	l := &lowerer{code: &Code{Program: p}, prog: p, limits: limits, dialect: d, library: library, kernel: map[string]int{}}
	for i := range p.Steps {
		l.step = i
		if err := l.lower(&p.Steps[i]); err != nil {
			return nil, err
		}
	}
	l.step = len(p.Steps)
	for _, c := range p.Copies {
		if c.From.Shape.Elems() > 0 {
			l.copy(l.read(c.From), Arg{Place: c.To, Bytes: c.From.Bytes(), Write: true}, c.From.DType)
		}
	}
	l.join()
	l.code.placeBarriers()
	l.code.Arena = l.arenaEnd() + l.most
	return l.code, l.checkSizes()
}

func (l *lowerer) lower(s *plan.Step) error {
	l.scratch, l.home = 0, nil
	v := s.Values[0]
	if s.Values[len(s.Values)-1].Shape.Elems() == 0 {
		return nil
	}
	for _, w := range s.Values {
		if !w.DType.Valid() {
			return l.unsupported(w, "it has no "+w.DType.String())
		}
	}
	var err error
	switch e, product := s.Epilogue(); {
	case product:
		err = l.epilogue(s, e)
	case plan.Fusible(v.Op) || s.Fused():
		err = l.elementwise(s)
	default:
		f := lowerings[v.Op]
		if f == nil {
			return l.unsupported(v, "there is no kernel for it")
		}
		err = f(l, v)
	}
	if err != nil {
		return l.unsupported(v, err.Error())
	}
	return nil
}

func (l *lowerer) unsupported(v *ir.Value, why string) error {
	return &backend.UnsupportedError{Device: l.limits.Kind, Op: v.Op, Layer: v.Layer, Why: why}
}

// read is the memory of an operand.
func (l *lowerer) read(v *ir.Value) Arg {
	place := l.prog.Places[v]
	if place.Kind == plan.Inside {
		place = l.prog.Places[l.home[v]]
	}
	return Arg{Place: place, Bytes: v.Bytes()}
}

// write is the memory of a result.
func (l *lowerer) write(v *ir.Value) Arg {
	a := l.read(v)
	a.Write = true
	return a
}

// temporary is scratch memory for the step, written by the call it is given to;
// asRead is the same memory for one that reads it.
func (l *lowerer) temporary(bytes int64) Arg {
	a := Arg{Place: plan.Place{Kind: plan.Arena, Offset: l.arenaEnd() + l.scratch}, Bytes: bytes, Write: true}
	l.scratch += align(bytes)
	l.most = max(l.most, l.scratch)
	return a
}

func (a Arg) asRead() Arg {
	a.Write = false
	return a
}

func (l *lowerer) arenaEnd() int64 { return align(l.prog.Arena) }

func align(n int64) int64 { return (n + plan.Align - 1) / plan.Align * plan.Align }

// call adds a dispatch of a kernel. Its name begins with what it does, in
// words of [a-z0-9_].
func (l *lowerer) call(what string, k Kernel, groups [3]int, args ...Arg) {
	for i := range args {
		k.Params[i].Write = args[i].Write
	}
	l.code.Calls = append(l.code.Calls, Call{Kernel: l.number(what, k), Args: args, Groups: groups, Step: l.step})
}

// number finds the kernel among those of the program, or adds it.
func (l *lowerer) number(what string, k Kernel) int {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%v %v %d\n%s", k.Params, k.Shared, k.Threads, k.Body)))
	k.Name = what + "_" + hex.EncodeToString(sum[:6])
	n, ok := l.kernel[k.Name]
	if !ok {
		n = len(l.code.Kernels)
		l.kernel[k.Name] = n
		l.code.Kernels = append(l.code.Kernels, k)
	}
	return n
}

// checkSizes refuses what no dispatch and no buffer can hold.
func (l *lowerer) checkSizes() error {
	if m := l.limits.MaxBuffer; m > 0 && l.code.Arena > m {
		var most *ir.Value
		for _, v := range l.prog.Graph.Values {
			if l.prog.Places[v].Kind == plan.Arena && (most == nil || v.Bytes() > most.Bytes()) {
				most = v
			}
		}
		return l.unsupported(most, fmt.Sprintf("the program needs %d bytes for what it computes on the way, and a buffer of %s holds %d; use a smaller batch",
			l.code.Arena, l.limits.Device, m))
	}
	for i := range l.code.Calls {
		if err := l.checkCall(&l.code.Calls[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *lowerer) checkCall(c *Call) error {
	if c.Product != nil {
		return nil
	}
	k := &l.code.Kernels[c.Kernel]
	why := ""
	for i, most := range l.limits.Groups {
		if most > 0 && c.Groups[i] > most {
			why = fmt.Sprintf("it takes %d threadgroups along axis %d, and %d are the most", c.Groups[i], i, most)
		}
	}
	if k.Threads > l.limits.Threads {
		why = fmt.Sprintf("it takes threadgroups of %d threads, and %d are the most", k.Threads, l.limits.Threads)
	}
	if n := k.SharedBytes(); n > l.limits.Shared {
		why = fmt.Sprintf("it takes %d bytes of threadgroup memory, and there are %d", n, l.limits.Shared)
	}
	if len(k.Params) > l.limits.Bindings {
		why = fmt.Sprintf("it takes %d buffers, and %d are the most", len(k.Params), l.limits.Bindings)
	}
	if why == "" {
		return nil
	}
	var v *ir.Value
	if c.Step < len(l.prog.Steps) {
		v = l.prog.Steps[c.Step].Values[0]
	} else {
		v = &ir.Value{Op: "copy"}
	}
	return l.unsupported(v, why)
}

// text is a kernel's body as it is written.
type text struct {
	strings.Builder
	indent int
}

func newText() *text { return &text{indent: 1} }

// line adds a line; one that ends with { indents what follows, one that begins
// with } ends that.
func (t *text) line(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if strings.HasPrefix(s, "}") {
		t.indent--
	}
	for range t.indent {
		t.WriteByte('\t')
	}
	t.WriteString(s)
	t.WriteByte('\n')
	if strings.HasSuffix(s, "{") {
		t.indent++
	}
}

// indexType counts elements of values: 32 bits where that is enough.
func indexType(values ...*ir.Value) string {
	for _, v := range values {
		if v.Shape.Elems() >= 1<<31 {
			return "ulong"
		}
	}
	return "uint"
}
