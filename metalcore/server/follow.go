package server

import (
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
	if req.Epochs < 1 {
		return nil, &runtime.Error{Code: runtime.BadRequest, Message: fmt.Sprintf("%d epochs to train", req.Epochs)}
	}
	if err := t.Start(req.Epochs); err != nil {
		return nil, err
	}
	if req.Background {
		return &wire.Trained{Info: infoOf(t)}, nil
	}
	return c.follow(t, req.Show, true)
}

// follow sends the progress of a training until it ends: an Event for each
// epoch and, with show, the living chart. A client that goes away ends the
// training if it owns it, which a Fit does.
func (c *client) follow(t *runtime.Trainer, show, owner bool) (wire.Message, error) {
	wake := make(chan struct{}, 1)
	defer t.Subscribe(func(train.Event) {
		select {
		case wake <- struct{}{}:
		default: // one is waiting already
		}
	})()
	f := follower{client: c, trainer: t, show: show, id: chartID(t), epochs: len(t.History()), goal: t.Info().Goal}
	err := f.begin()
	for done := t.Done(); err == nil; {
		select {
		case <-c.gone:
			err = wire.ErrFrame // nobody is there to be told anything
		case <-wake:
			err = f.send(false)
		case <-done:
			if err = f.send(true); err == nil {
				return f.end()
			}
		}
	}
	if owner {
		c.server.Log.Printf("%s: the cell that trained %q is gone: stopped", c.session.Name(), t.Spec().Name)
		t.Stop()
	}
	return nil, err
}

// chartID names the display of one training, so that each Fit draws below its
// own cell.
func chartID(t *runtime.Trainer) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s", t.Session().Name(), t.Spec().Name)
	return fmt.Sprintf("metalnb-%x-%d", h.Sum64(), t.Runs())
}

// follower is the state of one stream of progress.
type follower struct {
	client  *client
	trainer *runtime.Trainer
	show    bool
	id      string
	epochs  int // told of so far
	goal    int // the epoch that the training was begun for
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
	run := runOf(f.trainer)
	for ; f.epochs < len(run.Epochs); f.epochs++ {
		event := &wire.Event{What: "epoch", Info: run.Info}
		event.Info.Last, event.Info.Goal = run.Epochs[f.epochs], f.goal
		if err := f.client.Send(event); err != nil {
			return err
		}
	}
	if !f.show || !final && time.Now().Before(f.next) {
		return nil
	}
	f.next = time.Now().Add(redraw)
	run.ID = f.id
	return f.client.Send(&wire.Show{ID: f.id, Items: f.client.server.Renderer.Chart(*run, final)})
}

func (f *follower) end() (wire.Message, error) {
	if err := f.trainer.Err(); err != nil {
		return nil, err
	}
	return &wire.Trained{Info: infoOf(f.trainer)}, nil
}
