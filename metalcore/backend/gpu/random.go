package gpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() { register(map[string]lowering{"random": (*lowerer).random}) }

// random emits random numbers, four for each counter.
func (l *lowerer) random(v *ir.Value) error {
	n := v.Shape.Elems()
	index, high := wide((n+3)/4), "0u"
	if index == "ulong" {
		high = "(uint)(i >> 32)"
	}
	l.emit(block{what: "random", units: (n + 3) / 4, index: index, args: []Arg{l.read(v.In[0]), l.read(v.In[1]), l.write(v)},
		params: []Param{{Name: "seed", DType: ir.I32}, {Name: "step", DType: ir.I32}, {Name: "y", DType: ir.F32, Write: true}},
		body: func(t *text) {
			t.line("uint4 w = philox((uint)i, %s, (uint)step[0], (uint)seed[0], %du);", high, v.Int("stream"))
			t.line("%s e = (%s)i * 4u;", wide(n), wide(n))
			if n%4 == 0 {
				t.line("*(device float4*)(y + e) = make_float4(%s, %s, %s, %s);", fraction("x"), fraction("y"), fraction("z"), fraction("w"))
				return
			}
			for k, part := range []string{"x", "y", "z", "w"} {
				t.line("if (e + %du < %du) y[e + %du] = %s;", k, n, k, fraction(part))
			}
		}})
	return nil
}

// fraction is the upper 24 bits of a part of w as a number in [0,1).
func fraction(part string) string {
	return fmt.Sprintf("(float)(w.%s >> 8) * 5.9604644775390625e-08f", part)
}
