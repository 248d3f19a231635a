package server

import (
	"context"
	"fmt"

	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// handle answers one request. It returns the last message of the answer.
func (c *client) handle(req wire.Message) (wire.Message, error) {
	switch req := req.(type) {
	case *wire.StatusRequest:
		return c.server.status(), nil
	case *wire.AskMemory:
		return c.server.memory(), nil
	case *wire.Shutdown:
		return c.server.shutdown(req)
	}
	if c.session == nil {
		return nil, &wire.Problem{Code: wire.CodeBadRequest, Message: fmt.Sprintf("a %T needs a session", req)}
	}
	switch req := req.(type) {
	case *wire.Declare:
		return c.declare(&req.Spec)
	case *wire.Drop:
		return c.drop(req)
	case *wire.Fork, *wire.Rename:
		return c.copies(req)
	case *wire.HasData, *wire.PutData, *wire.LoadData, *wire.AskData, *wire.Rows:
		return c.data(req)
	case *wire.OpenStream:
		return c.openStream(req)
	case *wire.Offer:
		return c.offer(req)
	case *wire.Compute:
		return c.compute(req)
	case *wire.Call:
		return c.call(req)
	case *wire.Picture:
		return c.picture(req)
	case *wire.AskDevices:
		return c.server.devices(), nil
	case *wire.UseDevice:
		return answerOf(c.server.useDevice(req.Kind))
	case *wire.AskExplain:
		return answerOf(c.explain(req))
	}
	return c.trainer(req)
}

// trainer answers the requests about one trainer.
func (c *client) trainer(req wire.Message) (wire.Message, error) {
	var name string // nobody's, for a message that is no request
	if about, ok := req.(wire.AboutTrainer); ok {
		name = about.TrainerName()
	}
	t, release, err := c.use(name)
	if err != nil {
		return nil, err
	}
	defer release()
	switch req := req.(type) {
	case *wire.Train:
		return c.train(t, req)
	case *wire.Watch:
		return c.watch(t, req)
	case *wire.Stop:
		t.Stop()
	case *wire.Pause:
		ctx, cancel := c.context()
		defer cancel()
		if err := t.Pause(ctx); err != nil {
			return nil, bad(err)
		}
	case *wire.Resume:
		if err := t.Resume(); err != nil {
			return nil, err
		}
	case *wire.SetLR:
		if err := t.SetLR(req.LR); err != nil {
			return nil, &runtime.Error{Code: runtime.BadRequest, Message: err.Error()}
		}
	case *wire.Reset:
		return &wire.OK{}, t.Reset()
	case *wire.AskTrainer:
		if req.Brief {
			return &wire.Run{Info: infoOf(t)}, nil
		}
		return runOf(t), nil
	case *wire.Evaluate:
		return c.evaluate(t, req)
	case *wire.Predict:
		return c.predict(t, req)
	case *wire.AskReport:
		return c.report(t, req)
	case *wire.AskCurve:
		return c.curve(t, req)
	case *wire.FindLR:
		return c.findLR(t, req)
	case *wire.Save, *wire.Restore, *wire.AskCheckpoints, *wire.DropCheckpoint, *wire.Import:
		return c.checkpoints(t, req)
	}
	return &wire.Trained{Info: infoOf(t)}, nil
}

// answerOf is an answer of one type as a message.
func answerOf[T wire.Message](m T, err error) (wire.Message, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (c *client) declare(spec *wire.TrainerSpec) (wire.Message, error) {
	d, err := declaration(spec, c.session.Find)
	if err != nil {
		return nil, err
	}
	outcome, t, err := c.session.Declare(d, spec.Replace)
	if err != nil {
		return nil, err
	}
	if outcome != "attached" {
		c.server.Log.Printf("%s: trainer %q %s", c.session.Name(), spec.Name, outcome)
	}
	return &wire.Declared{Outcome: outcome, Say: t.Tell(), Info: infoOf(t)}, nil
}

// context is a context that ends when the client goes away.
func (c *client) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-c.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func (c *client) evaluate(t *runtime.Trainer, req *wire.Evaluate) (wire.Message, error) {
	set, err := c.session.Data(refOf(req.Data))
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.context()
	defer cancel()
	list, rows, err := t.Evaluate(ctx, set)
	if err != nil {
		return nil, bad(err)
	}
	return &wire.Metrics{Rows: rows, List: metricsOf(list)}, nil
}

func (c *client) predict(t *runtime.Trainer, req *wire.Predict) (wire.Message, error) {
	x, err := c.importArray(&req.X)
	if err != nil {
		return nil, err
	}
	if len(x.Shape) == len(t.Spec().Data.XShape()) { // one row without its axis
		x.Shape = append([]int{1}, x.Shape...)
	}
	y, err := t.Predict(x, req.Raw)
	if err != nil {
		return nil, bad(err)
	}
	return c.tensors(y)
}

// bad marks an error that the request caused.
func bad(err error) error { return runtime.Classify(err) }
