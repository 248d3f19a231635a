package gpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() {
	register(map[string]lowering{
		"reduce_sum":  (*lowerer).reduce,
		"reduce_mean": (*lowerer).reduce,
		"reduce_prod": (*lowerer).reduce,
		"reduce_max":  (*lowerer).reduce,
		"reduce_min":  (*lowerer).reduce,
		"argmax":      (*lowerer).argMax,
	})
}

// joins are those of two accumulators of each type, as in expressions, what there
// is before, and the function that joins those of a SIMD group.
var joins = map[string]struct{ op, f, i, l, simd string }{
	"reduce_sum":  {"add", "0.0f", "0", "0l", "simd_total"},
	"reduce_mean": {"add", "0.0f", "0", "0l", "simd_total"},
	"reduce_prod": {"mul", "1.0f", "1", "1l", "simd_times"},
	"reduce_max":  {"max", "-F_INF", "INT_LEAST", "LONG_LEAST", "simd_largest"},
	"reduce_min":  {"min", "F_INF", "2147483647", "9223372036854775807l", "simd_smallest"},
}

// newFold is a fold of values of a type by the op of a reduction.
func newFold(op string, d ir.DType) fold {
	j := joins[op]
	f := fold{what: op, join: expressions[j.op].f, acc: ir.F32, none: j.f, simd: j.simd,
		take: func(x, _ string) string { return x }, end: func(a string) string { return stored(d, a) }}
	switch valueType(d) {
	case "int":
		f.acc, f.none, f.join = ir.I32, j.i, expressions[j.op].i
	case "long":
		f.acc, f.none, f.join = ir.I64, j.l, expressions[j.op].l
	}
	return f
}

func (l *lowerer) reads(v *ir.Value) binding  { return binding{l.read(v), Param{DType: v.DType}} }
func (l *lowerer) writes(v *ir.Value) binding { return binding{l.write(v), Param{DType: v.DType}} }

// reduce emits the fold of some axes.
func (l *lowerer) reduce(v *ir.Value) error {
	x := v.In[0]
	f, s := newFold(v.Op, v.DType), newFoldSpace(x, v.Ints("axes"))
	if v.Op == "reduce_mean" {
		f.end = func(a string) string { return stored(v.DType, fmt.Sprintf("%s / %d.0f", a, s.folded.n)) }
	}
	l.fold(f, s, l.reads(x), l.writes(v))
	return nil
}

// argMax emits the fold of one axis into the place of its first largest element.
// An element becomes a long, with its value in the upper half and the complement
// of its place in the lower one: of these the largest tells what is asked for.
func (l *lowerer) argMax(v *ir.Value) error {
	x := v.In[0]
	s := newFoldSpace(x, []int{v.Int("axis")})
	if x.DType == ir.I64 {
		l.argMaxLong(v, s)
		return nil
	}
	f := newFold("reduce_max", ir.I64)
	f.what = v.Op
	f.take = func(x, e string) string { return fmt.Sprintf("i_rank(%s, %s)", x, e) }
	if x.DType.Float() {
		f.take = func(x, e string) string { return fmt.Sprintf("i_rank(f_rank(%s), %s)", x, e) }
	}
	f.end = func(a string) string { return "(int)~(uint)" + a }
	l.fold(f, s, l.reads(x), l.writes(v))
	return nil
}

// argMaxLong looks for the largest element, and then for the first such one.
func (l *lowerer) argMaxLong(v *ir.Value, s foldSpace) {
	x := v.In[0]
	top := binding{l.temporary(int64(s.kept.n * 8)), Param{DType: ir.I64}}
	l.fold(newFold("reduce_max", ir.I64), s, l.reads(x), top)
	f := newFold("reduce_min", ir.I32)
	f.what = v.Op
	f.take = func(x, e string) string { return fmt.Sprintf("(%s == x1[o] ? (int)%s : 2147483647)", x, e) }
	top.arg = top.arg.asRead()
	l.fold(f, s, l.reads(x), l.writes(v), top)
}
