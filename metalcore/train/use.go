package train

import (
	"context"
	"fmt"
	"time"

	"github.com/metalnb/metalnb/metalcore/feed"
)

// Evaluate returns the means of loss and metric over a set, and its number of
// rows. While the trainer trains it measures the weights between two steps.
func (t *Trainer) Evaluate(ctx context.Context, set *feed.Set) ([]Metric, int, error) {
	if err := t.machine.spec.checkData(set); err != nil {
		return nil, 0, err
	}
	release, err := t.hold(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer release()
	r, err := t.machine.place(set, t.machine.chunk())
	if err != nil {
		return nil, 0, err
	}
	metrics, err := t.machine.measure(ctx, r)
	if r == t.valid {
		r.Release()
	} else {
		t.dropSet(r)
	}
	return metrics, set.Len(), err
}

// Predict runs the model on rows of x, any number of them. Where the loss works
// on logits the result holds probabilities, unless raw.
func (t *Trainer) Predict(x feed.Array, raw bool) (feed.Array, error) {
	if err := x.Check(); err != nil {
		return feed.Array{}, err
	}
	if len(x.Shape) == 0 {
		return feed.Array{}, fmt.Errorf("x is %v: its first axis must be the rows to predict", x)
	}
	if err := t.machine.spec.checkInput(x, "predict"); err != nil {
		return feed.Array{}, err
	}
	if err := x.CheckFinite("x"); err != nil {
		return feed.Array{}, err
	}
	ctx := context.Background()
	release, err := t.hold(ctx)
	if err != nil {
		return feed.Array{}, err
	}
	defer release()
	return t.machine.predict(ctx, x.Cast(t.machine.spec.input().DType), raw)
}

// trimWait is longer than a copy for the journal takes, and a slice of steps.
const trimWait = 200 * time.Millisecond

// Trim frees the programs of evaluations and predictions, which are compiled anew
// when they are needed next. It tells how many bytes that were: none of a trainer
// that the device works for, and not only for a moment.
func (t *Trainer) Trim() int64 {
	ctx, cancel := context.WithTimeout(context.Background(), trimWait)
	defer cancel()
	if t.turn.take(ctx) != nil {
		return 0
	}
	defer t.turn.give()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return 0
	}
	before := t.machine.bytes()
	t.machine.freeUses()
	t.bytes = t.machine.bytes()
	return before - t.bytes
}

// Parameter is a state of the model: its name and numbers.
type Parameter struct {
	Name  string
	Value feed.Array
}

// Parameters downloads the model's states, in the order of its graph.
func (t *Trainer) Parameters() ([]Parameter, error) {
	release, err := t.hold(context.Background())
	if err != nil {
		return nil, err
	}
	defer release()
	var list []Parameter
	for _, v := range ownStates(t.machine.spec.Model) {
		a, err := t.machine.weights(v)
		if err != nil {
			return nil, err
		}
		list = append(list, Parameter{v.Name, a})
	}
	return list, nil
}
