package gpu

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/plan"
)

// stage moves operands into the arena, which takes one binding, where there are
// more than a kernel may have. Results that have to lie there, too, are copied
// afterwards.
func (l *lowerer) stage(args []Arg, params []Param) (after []func()) {
	for _, results := range []bool{false, true} {
		for i := range args {
			if l.bindable(args) {
				return after
			}
			a, d := args[i], params[i].DType
			updated := !a.Write && slices.ContainsFunc(args, func(b Arg) bool { return b.Write && b.Place == a.Place })
			if a.Kind == plan.Arena || a.Write != results || updated {
				continue
			}
			args[i] = l.temporary(a.Bytes)
			if a.Write {
				from := args[i].asRead()
				after = append(after, func() { l.copy(from, a, d) })
			} else {
				l.copy(a, args[i], d)
				args[i] = args[i].asRead()
			}
		}
	}
	return after
}

// bindable reports whether a kernel may have so many buffers, if it has one for
// all that lies in the arena.
func (l *lowerer) bindable(args []Arg) bool {
	places := map[plan.Place]bool{}
	for _, a := range args {
		if a.Kind == plan.Arena {
			places[plan.Place{Kind: plan.Arena}] = true
			continue
		}
		places[a.Place] = true
	}
	return len(places) <= l.limits.Bindings
}
