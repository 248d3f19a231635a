package train

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// Assign gives states of the model, by their names, other values, and the averages
// of parameters the same. The optimizer, the counters and the history stay what they
// are; what an early stop has seen is forgotten. Values that do not fit change
// nothing. It is refused with ErrBusy while the trainer trains.
func (t *Trainer) Assign(values map[string]feed.Array) error {
	release, err := t.atRest()
	if err != nil {
		return err
	}
	defer release()
	known := map[string]*ir.Value{}
	for _, v := range ownStates(t.machine.spec.Model) {
		known[v.Name] = v
	}
	for name, a := range values {
		if v := known[name]; v == nil || a.DType != v.DType || !a.Shape.Equal(v.Shape) || a.Check() != nil {
			return fmt.Errorf("%s cannot be %v", name, a)
		}
	}
	for name, a := range values {
		for _, to := range []string{name, averages + name} {
			if t.machine.mem.bufs[to] == nil {
				continue
			}
			if err := t.machine.mem.put(to, a.Data); err != nil {
				return err
			}
		}
	}
	t.forgetBest()
	return nil
}

// States are the states of the model, without their values.
func (t *Trainer) States() []*ir.Value { return ownStates(t.machine.spec.Model) }
