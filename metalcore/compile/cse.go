package compile

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// commutative ops give the same result, bit by bit, with their operands in any
// order.
var commutative = map[string]bool{"add": true, "mul": true, "eq": true}

// cse makes one value of those that have the same op, attributes and operands.
// Inputs and states have names and stay apart.
func cse(g *ir.Graph) (*ir.Graph, error) {
	ids := map[*ir.Value]int{}
	first := map[string]*ir.Value{}
	return g.Rewrite(func(v *ir.Value) *ir.Value {
		key := keyOf(v, ids)
		if w, ok := first[key]; ok {
			return w
		}
		first[key], ids[v] = v, len(ids)
		return v
	}), nil
}

// keyOf is equal for equal values.
func keyOf(v *ir.Value, ids map[*ir.Value]int) string {
	operands := make([]int, len(v.In))
	for i, in := range v.In {
		operands[i] = ids[in]
	}
	if commutative[v.Op] {
		slices.Sort(operands)
	}
	keys := make([]string, 0, len(v.Attrs))
	for k := range v.Attrs {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %v %v", v.Op, v.Name, v.Type(), operands)
	for _, k := range keys {
		switch x := v.Attrs[k].(type) {
		case float64: // keeps 0 and -0 apart
			fmt.Fprintf(&b, " %s=%x", k, math.Float64bits(x))
		default:
			fmt.Fprintf(&b, " %s=%v", k, x)
		}
	}
	return b.String()
}
