package gpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// Elementwise calls that update states, as an optimizer does for each parameter,
// and calls of a few threads cost more to start than to run. They are put off
// as long as nothing needs what they do, and those that wait together become one
// kernel, of which each threadgroup works on one of them.

// fewUnits is what a small call has at most.
const fewUnits = 4 * groupThreads

// joiner orders calls anew. What waits does not depend on anything else that
// waits.
type joiner struct {
	l       *lowerer
	calls   []Call
	updates []Call
	small   []Call
}

// join makes kernels of the elementwise calls.
func (l *lowerer) join() {
	j := joiner{l: l}
	for _, c := range l.code.Calls {
		if depends(j.updates, c) {
			j.flush(&j.updates)
		}
		if depends(j.small, c) {
			j.flush(&j.small)
		}
		switch {
		case c.blocks == nil:
			j.calls = append(j.calls, c)
		case updates(c):
			j.updates = append(j.updates, c)
		case c.blocks[0].units <= fewUnits:
			j.small = append(j.small, c)
		default:
			j.calls = append(j.calls, l.finished(c.Step, c.blocks))
		}
	}
	j.flush(&j.small)
	j.flush(&j.updates)
	l.code.Calls = j.calls
}

func updates(c Call) bool {
	for _, a := range c.blocks[0].args {
		if a.Write && a.Kind == plan.State {
			return true
		}
	}
	return false
}

// depends reports whether a call must come after one of those that wait.
func depends(waiting []Call, c Call) bool {
	for i := range waiting {
		if conflict(pointers(waiting[i].blocks[0].args), c.arguments()) {
			return true
		}
	}
	return false
}

func pointers(args []Arg) []*Arg {
	list := make([]*Arg, len(args))
	for i := range args {
		list[i] = &args[i]
	}
	return list
}

func (c *Call) arguments() []Arg {
	if c.blocks != nil {
		return c.blocks[0].args
	}
	return c.Args
}

// flush emits the calls that wait, as many in one kernel as it may have buffers.
func (j *joiner) flush(waiting *[]Call) {
	var blocks []block
	step := 0
	emit := func() {
		if len(blocks) > 0 {
			j.calls = append(j.calls, j.l.finished(step, blocks))
			blocks = nil
		}
	}
	for _, c := range *waiting {
		if len(blocks) > 0 && len(bindings(append(blocks, c.blocks[0]))) > j.l.limits.Bindings {
			emit()
		}
		blocks, step = append(blocks, c.blocks[0]), c.Step
	}
	emit()
	*waiting = nil
}

// binding is a parameter with what it is bound to.
type binding struct {
	arg   Arg
	param Param
}

// bindings are the parameters of blocks, each once: a kernel that updates what it
// reads has one for both.
func bindings(blocks []block) []binding {
	var all []binding
	for _, b := range blocks {
		for i, a := range b.args {
			if at := find(all, a, b.params[i]); at < 0 {
				all = append(all, binding{a, Param{DType: b.params[i].DType}})
			} else if a.Write {
				all[at].arg.Write = true
			}
		}
	}
	return all
}

func find(all []binding, a Arg, p Param) int {
	for i, b := range all {
		if b.arg.Place == a.Place && b.arg.Bytes == a.Bytes && b.param.DType == p.DType {
			return i
		}
	}
	return -1
}

// sharing has one binding for all that lies in the arena.
func (l *lowerer) sharing(all []binding) []binding {
	arena := binding{Arg{Place: plan.Place{Kind: plan.Arena}, Bytes: l.arenaEnd() + l.most}, Param{DType: ir.U8}}
	var rest []binding
	for _, b := range all {
		if b.arg.Kind != plan.Arena {
			rest = append(rest, b)
			continue
		}
		arena.arg.Write = arena.arg.Write || b.arg.Write
	}
	return append(rest, arena)
}

// pointer is the address of an argument: that of its binding, or in the arena.
func pointer(all []binding, a Arg, p Param) string {
	if at := find(all, a, p); at >= 0 {
		return fmt.Sprint("b", at)
	}
	return fmt.Sprintf("(device %s*)(b%d + %d)", access(a.Write)+memoryType(p.DType), len(all)-1, a.Offset)
}

// access is the word before the type of what a pointer points to.
func access(write bool) string {
	if write {
		return ""
	}
	return "const "
}

// finished makes one call of blocks.
func (l *lowerer) finished(step int, blocks []block) Call {
	all := bindings(blocks)
	if len(all) > l.limits.Bindings {
		all = l.sharing(all)
	}
	k := Kernel{Threads: groupThreads}
	var args []Arg
	for i, b := range all {
		b.param.Name, b.param.Write = fmt.Sprint("b", i), b.arg.Write
		k.Params, args = append(k.Params, b.param), append(args, b.arg)
	}
	t := newText()
	groups := 0
	for n, b := range blocks {
		first := groups
		groups += (b.units + groupThreads - 1) / groupThreads
		switch {
		case len(blocks) == 1:
		case n == 0:
			t.line("if (group.x < %du) {", groups)
		case n < len(blocks)-1:
			t.line("} else if (group.x < %du) {", groups)
		default:
			t.line("} else {")
		}
		b.write(t, first, all)
	}
	what := blocks[0].what
	if len(blocks) > 1 {
		t.line("}")
		what = fmt.Sprintf("join%d_%s", len(blocks), what)
	}
	k.Body = t.String()
	return Call{Kernel: l.number(what, k), Args: args, Groups: [3]int{groups, 1, 1}, Step: step}
}

// write writes the text of a block whose first threadgroup has the given number.
func (b *block) write(t *text, first int, all []binding) {
	group := "group.x"
	if first > 0 {
		group = fmt.Sprintf("(group.x - %du)", first)
	}
	t.line("%s i = (%s)%s * %du + local;", b.index, b.index, group, groupThreads)
	t.line("if (i < %du) {", b.units)
	for i, p := range b.params {
		t.line("device %s%s* %s = %s;", access(b.args[i].Write), memoryType(p.DType), p.Name, pointer(all, b.args[i], p))
	}
	b.body(t)
	t.line("}")
}
