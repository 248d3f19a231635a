package server

import (
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/train"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// redraw is the least time between two drawings of a living chart.
const redraw = 200 * time.Millisecond

func (c *client) train(t *runtime.Trainer, req *wire.Train) (wire.Message, error) {
	before := len(t.History())
	run, err := begin(t, req)
	if err != nil {
		return nil, err
	}
	if req.Background || req.More {
		return &wire.Trained{Info: infoOf(t)}, nil
	}
	defer run.Stop() // a no-op unless the client is gone, or following it failed
	last, err := c.follow(t, run, before, req.Show)
	if errors.Is(err, errGone) {
		c.server.Log.Printf("%s: the cell that trains %q is gone: training stops", c.session.Name(), t.Spec().Name)
	}
	return last, err
}

func begin(t *runtime.Trainer, req *wire.Train) (*runtime.Run, error) {
	switch {
	case req.Steps > 0 && req.More:
		return t.More(0, int64(req.Steps))
	case req.Steps > 0:
		return t.StartSteps(int64(req.Steps))
	case req.Epochs < 1:
		return nil, &runtime.Error{Code: runtime.BadRequest, Message: fmt.Sprintf("%d epochs to train", req.Epochs), Remedy: "train at least one"}
	case req.More:
		return t.More(req.Epochs, 0)
	}
	return t.Start(req.Epochs)
}

// watch follows the training that is under way, if there is one.
func (c *client) watch(t *runtime.Trainer, req *wire.Watch) (wire.Message, error) {
	run := t.Run()
	if run == nil {
		return &wire.Trained{Info: infoOf(t)}, nil
	}
	return c.follow(t, run, len(t.History()), req.Show)
}

// follow sends the progress of a training until it ends: an Event for each
// epoch behind the first so many and, with show, the living chart.
func (c *client) follow(t *runtime.Trainer, run *runtime.Run, epochs int, show bool) (wire.Message, error) {
	wake := make(chan struct{}, 1)
	defer t.Subscribe(func(train.Event) {
		select {
		case wake <- struct{}{}:
		default: // one is waiting already
		}
	})()
	f := follower{client: c, trainer: t, show: show, id: chartID(t, run), epochs: epochs, run: run}
	if err := f.begin(); err != nil {
		return nil, err
	}
	for {
		select {
		case <-c.gone:
			return nil, c.lost()
		case <-wake:
			if err := f.send(false); err != nil {
				return nil, err
			}
		case <-run.Done():
			if c.ctx.Err() != nil { // it is the core that has ended it
				return nil, c.lost()
			}
			if err := f.send(true); err != nil {
				return nil, err
			}
			return &wire.Trained{Info: infoOf(t)}, run.Err()
		}
	}
}

// chartID names the display of one training, so that each Fit draws below its
// own cell.
func chartID(t *runtime.Trainer, run *runtime.Run) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s", t.Session().Name(), t.Spec().Name)
	number := 0
	if run != nil {
		number = run.Number
	}
	return fmt.Sprintf("metalnb-%x-%d", h.Sum64(), number)
}

// follower is the state of one stream of progress.
type follower struct {
	client  *client
	trainer *runtime.Trainer
	show    bool
	id      string
	epochs  int // told of so far
	run     *runtime.Run
	next    time.Time
}

func (f *follower) begin() error {
	if !f.show {
		return nil
	}
	if err := f.client.library(); err != nil {
		return err
	}
	return f.send(false)
}

// send tells what is new. The chart is drawn again when it is time to, and at
// the end with its static picture.
func (f *follower) send(final bool) error {
	history := f.trainer.History()
	f.epochs = min(f.epochs, len(history)) // a Reset may have come between
	for ; f.epochs < len(history); f.epochs++ {
		event := &wire.Event{Info: infoOf(f.trainer)}
		event.Info.Last, event.Info.Goal = epochOf(history[f.epochs]), f.run.Goal()
		if err := f.client.Send(event); err != nil {
			return err
		}
	}
	if !f.show || !final && time.Now().Before(f.next) {
		return nil
	}
	f.next = time.Now().Add(redraw)
	run := runOf(f.trainer)
	run.ID = f.id
	return f.client.Send(&wire.Show{ID: f.id, Items: f.client.server.Renderer.Chart(*run, final)})
}
