package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Group holds values that are to be computed together, element by element, so
// that what only they read among themselves never goes to memory. They must be
// Fusible, have one shape (but for axes of size 1), and stand together in the
// graph's order. Product tells of another kind of group.
type Group []*ir.Value

// Step is one instruction of a program: a value, or a group of them. For each
// element a group reads all its operands before it writes any of its results,
// so that a result may lie where an operand of the same size lay.
type Step struct {
	Values []*ir.Value // in the graph's order
	Reads  []*ir.Value // the operands from outside, each once
	Writes []*ir.Value // those of Values that have a place in memory
}

// Fused reports whether the step computes more than one value.
func (s *Step) Fused() bool { return len(s.Values) > 1 }

// Describe names the step's ops, the layers that made them, and the type of its
// result, for errors.
func (s *Step) Describe() string {
	var ops, layers []string
	for _, v := range s.Values {
		ops = append(ops, v.Op)
		if pos := v.Pos.String(); v.Layer != "" || pos != "" {
			if where := strings.TrimSpace(v.Layer + " (" + pos + ")"); !slices.Contains(layers, where) {
				layers = append(layers, where)
			}
		}
	}
	where := strings.Join(ops, " ")
	if len(layers) > 0 {
		where += " of layer " + strings.Join(layers, ", ")
	}
	return where + " of " + s.Values[len(s.Values)-1].Type()
}

// fusible holds the ops that every device must be able to compute in a group.
var fusible = map[string]bool{
	"neg": true, "exp": true, "log": true, "log1p": true, "expm1": true, "sqrt": true, "abs": true, "sign": true,
	"tanh": true, "sigmoid": true, "relu": true, "floor": true, "is_finite": true, "cast": true,
	"rsqrt": true, "erf": true, "sin": true, "cos": true, "atan": true, "round": true,
	"add": true, "sub": true, "mul": true, "div": true, "max": true, "min": true, "pow": true,
	"eq": true, "lt": true, "le": true, "select": true, "broadcast": true,
}

// Fusible reports whether values of the op may be members of a group.
func Fusible(op string) bool { return fusible[op] }

// SameSpace reports whether two shapes are equal but for axes of size 1.
func SameSpace(a, b ir.Shape) bool {
	i, j := 0, 0
	for {
		for i < len(a) && a[i] == 1 {
			i++
		}
		for j < len(b) && b[j] == 1 {
			j++
		}
		if i == len(a) || j == len(b) {
			return i == len(a) && j == len(b)
		}
		if a[i] != b[j] {
			return false
		}
		i, j = i+1, j+1
	}
}

// computed reports whether a value takes an instruction.
func computed(v *ir.Value) bool { return !v.IsLeaf() && v.Op != "reshape" }

// stepsOf cuts the graph into instructions.
func stepsOf(g *ir.Graph, groups []Group) ([]Step, error) {
	group := map[*ir.Value]int{} // counted from 1
	for i, members := range groups {
		if err := checkGroup(g, members); err != nil {
			return nil, err
		}
		for _, v := range members {
			if group[v] > 0 {
				return nil, fmt.Errorf("graph %s: %s %s is in two groups", g.Name, v.Op, v.Type())
			}
			group[v] = i + 1
		}
	}
	var steps []Step
	last, begun := 0, map[int]bool{}
	for _, v := range g.Values {
		if !computed(v) {
			continue
		}
		k := group[v]
		switch {
		case k > 0 && k == last:
			s := &steps[len(steps)-1]
			s.Values = append(s.Values, v)
		case begun[k]:
			return nil, fmt.Errorf("graph %s: the values of a group must stand together, %s %s is apart", g.Name, v.Op, v.Type())
		default:
			steps = append(steps, Step{Values: []*ir.Value{v}})
			begun[k] = k > 0
		}
		last = k
	}
	return steps, connect(g, steps)
}

// connect writes down what each step reads and writes.
func connect(g *ir.Graph, steps []Step) error {
	at := make(map[*ir.Value]int, len(g.Values)) // the step of a value, counted from 1
	outside := make(map[*ir.Value]bool, len(g.Values))
	for i := range steps {
		for _, v := range steps[i].Values {
			at[v] = i + 1
		}
	}
	for _, v := range g.Values {
		for _, in := range v.In {
			if at[in] != at[v] || at[v] == 0 {
				outside[in] = true
			}
		}
	}
	for _, o := range g.Outputs {
		outside[o.Value] = true
	}
	for _, u := range g.Updates {
		outside[u.New] = true
	}
	for i := range steps {
		s := &steps[i]
		for _, v := range s.Values {
			for _, in := range v.In {
				switch {
				case at[in] == i+1 || slices.Contains(s.Reads, in):
				case at[storage(in)] == i+1:
					return fmt.Errorf("graph %s: a group reads its own %s through a reshape", g.Name, storage(in).Op)
				default:
					s.Reads = append(s.Reads, in)
				}
			}
			if outside[v] || !s.Fused() {
				s.Writes = append(s.Writes, v)
			}
		}
		if e, ok := s.Epilogue(); ok && s.Home(e.Base) == nil {
			return fmt.Errorf("graph %s: %s has no room among the results of its group", g.Name, e.Product.Op)
		}
	}
	return nil
}
