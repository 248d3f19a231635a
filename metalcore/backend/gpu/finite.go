package gpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() { register(map[string]lowering{"all_finite": (*lowerer).allFinite}) }

// finiteChain is how many elements a thread looks at, about.
const finiteChain = 16

// allFinite looks at all operands, and then at what each threadgroup has found,
// until one threadgroup sees all.
func (l *lowerer) allFinite(v *ir.Value) error {
	var list []binding
	for _, x := range v.In {
		if x.Shape.Elems() > 0 {
			list = append(list, l.reads(x))
		}
	}
	y := l.writes(v)
	for most := l.limits.Bindings - 1; ; {
		n := min(len(list), most)
		groups := max(1, min(fullGroups, ceil(elements(list[:n]), groupThreads*finiteChain)))
		if n == len(list) && groups == 1 {
			l.finite(list, y, 1)
			return nil
		}
		found := binding{l.temporary(int64(groups)), Param{DType: ir.Bool}}
		l.finite(list[:n], found, groups)
		found.arg = found.arg.asRead()
		list = append(list[n:], found)
	}
}

// elements is how many there are in all.
func elements(list []binding) int {
	n := 0
	for _, b := range list {
		n += b.elements()
	}
	return n
}

func (b *binding) elements() int { return int(b.arg.Bytes) / b.param.DType.Size() }

// finite emits a call in which each threadgroup looks at a share of each operand:
// whether floats are finite, and bools true.
func (l *lowerer) finite(list []binding, y binding, groups int) {
	k := Kernel{Threads: groupThreads, Shared: []Shared{{"part", "int", groupThreads / 32}}}
	var args []Arg
	t := newText()
	t.line("int a = 1;")
	for i, b := range list {
		b.param.Name = fmt.Sprint("x", i)
		args, k.Params = append(args, b.arg), append(k.Params, b.param)
		index, test := "uint", "x%d[e] != 0"
		if b.elements() >= 1<<31 {
			index = "ulong"
		}
		if d := b.param.DType; d.Float() {
			test = "(int)f_isfinite(" + loaded(d, "x%d[e]") + ")"
		}
		t.line("for (%s e = group.x * %du + local; e < %du; e += %du) a &= "+test+";",
			index, groupThreads, b.elements(), groups*groupThreads, i)
	}
	t.line("a = simd_smallest(a);")
	t.line("if (lane == 0u) part[simd] = a;")
	t.line("barrier();")
	t.line("if (local == 0u) {")
	t.line("for (uint s = 1u; s < %du; s++) a &= part[s];", groupThreads/32)
	t.line("y0[group.x] = (uchar)a;")
	t.line("}")
	y.param.Name = "y0"
	k.Params, k.Body = append(k.Params, y.param), t.String()
	l.call("all_finite", k, [3]int{groups, 1, 1}, append(args, y.arg)...)
}
