package gpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() {
	register(map[string]lowering{
		"softmax_cross_entropy":      (*lowerer).crossEntropy,
		"softmax_cross_entropy_grad": (*lowerer).crossEntropy,
	})
}

// logits writes the text of a loss of rows of logits. A SIMD group or a
// threadgroup works on a row, which lies in registers if it is short enough.
type logits struct {
	t             *text
	dtype         ir.DType
	rows, classes int
	index         string
	threads       int // for a row
	each          int // elements that a thread has in registers; 0: none
}

// crossEntropy emits the loss of each row, or its gradient.
func (l *lowerer) crossEntropy(v *ir.Value) error {
	x := v.In[0]
	s := &logits{t: newText(), dtype: x.DType, rows: x.Shape[0], classes: x.Shape[1], index: indexType(x), threads: 32}
	k := Kernel{Threads: 32 * rowsTogether}
	groups := ceil(s.rows, rowsTogether)
	if s.classes > 32*rowEach {
		s.threads, k.Threads, groups = groupThreads, groupThreads, s.rows
		k.Shared = []Shared{{"part", "float", groupThreads / 32}}
	}
	if each := ceil(s.classes, s.threads); each <= rowEach {
		s.each = each
	}
	var args []Arg
	for i, in := range v.In {
		args, k.Params = append(args, l.read(in)), append(k.Params, Param{Name: fmt.Sprint("x", i), DType: in.DType})
	}
	args, k.Params = append(args, l.write(v)), append(k.Params, Param{Name: "y0", DType: v.DType})
	s.body(len(v.In) == 3)
	k.Body = s.t.String()
	l.call(v.Op, k, [3]int{groups, 1, 1}, args...)
	return nil
}

func (s *logits) body(gradient bool) {
	t := s.t
	if s.threads == 32 {
		t.line("%s row = (%s)group.x * %du + simd;", s.index, s.index, rowsTogether)
		t.line("uint at = lane;")
		t.line("if (row < %du) {", s.rows)
	} else {
		t.line("%s row = group.x;", s.index)
		t.line("uint at = local;")
	}
	t.line("%s start = row * %du;", s.index, s.classes)
	t.line("uint label = l_clamp((long)x1[row], %du);", s.classes-1)
	s.load()
	s.fold("top", "reduce_max", "%s")
	s.fold("total", "reduce_sum", "f_exp(%s - top)")
	if gradient {
		t.line("float g = %s;", loaded(s.dtype, "x2[row]"))
		s.over(func(j, x string) {
			y := fmt.Sprintf("g * (f_exp(%s - top) / total - (%s == label ? 1.0f : 0.0f))", x, j)
			t.line("y0[start + %s] = %s;", j, stored(s.dtype, y))
		})
	} else {
		t.line("if (at == 0u) y0[row] = %s;", stored(s.dtype, "f_log(total) + (top - "+loaded(s.dtype, "x0[start + label]")+")"))
	}
	if s.threads == 32 {
		t.line("}")
	}
}

// load declares the thread's elements, if they go into registers.
func (s *logits) load() {
	for k := range s.each {
		s.t.line("uint j_%d = %s;", k, plus("at", fmt.Sprintf("%du", k*s.threads)))
		s.t.line("float a_%d = j_%d < %du ? %s : -F_INF;", k, k, s.classes, loaded(s.dtype, fmt.Sprintf("x0[start + j_%d]", k)))
	}
}

// over writes what f does with each of the thread's elements, given its class
// and what it is called.
func (s *logits) over(f func(j, x string)) {
	for k := range s.each {
		s.t.line("if (j_%d < %du) {", k, s.classes)
		f(fmt.Sprint("j_", k), fmt.Sprint("a_", k))
		s.t.line("}")
	}
	if s.each == 0 {
		s.t.line("for (uint j = at; j < %du; j += %du) {", s.classes, s.threads)
		s.t.line("float x = %s;", loaded(s.dtype, "x0[start + j]"))
		f("j", "x")
		s.t.line("}")
	}
}

// fold declares a number of the row, for all its threads: a fold of what a format
// makes of its elements.
func (s *logits) fold(name, op, element string) {
	f, t := newFold(op, ir.F32), s.t
	joined := func(a, b string) string { return fmt.Sprintf(f.join, a, b) }
	t.line("float %s = %s;", name, f.none)
	s.over(func(_, x string) { t.line("%s = %s;", name, joined(name, fmt.Sprintf(element, x))) })
	t.line("%s = %s(%s);", name, f.simd, name)
	if s.threads == 32 {
		return
	}
	t.line("barrier();")
	t.line("if (lane == 0u) part[simd] = %s;", name)
	t.line("barrier();")
	t.line("%s = part[0];", name)
	t.line("for (uint s = 1u; s < %du; s++) %s = %s;", s.threads/32, name, joined(name, "part[s]"))
}
