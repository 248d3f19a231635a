package server

import (
	"fmt"
	"time"

	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/train"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// findLR answers with a range test of learning rates, and shows it meanwhile if it
// shall. The test ends when the client is gone.
func (c *client) findLR(t *runtime.Trainer, req *wire.FindLR) (wire.Message, error) {
	if req.Show {
		if err := c.library(); err != nil {
			return nil, err
		}
	}
	ctx, cancel := c.context()
	defer cancel()
	id := fmt.Sprintf("%s-rates-%d", chartID(t, t.Run()), t.Info().Step)
	var next time.Time
	show := func(curve train.LRCurve, final bool) error {
		if !req.Show || !final && time.Now().Before(next) {
			return nil
		}
		next = time.Now().Add(redraw)
		return c.Send(&wire.Show{ID: id, Items: c.server.Renderer.Rates(id, t.Name(), curveOf(curve), final)})
	}
	curve, err := t.FindLR(ctx, train.LRRange{From: req.From, To: req.To, Steps: req.Steps}, func(curve train.LRCurve) {
		if show(curve, false) != nil {
			cancel()
		}
	})
	switch {
	case ctx.Err() != nil:
		return nil, c.lost()
	case err != nil:
		return nil, bad(err)
	}
	return curveOf(curve), show(curve, true)
}

func curveOf(c train.LRCurve) *wire.LRCurve {
	return &wire.LRCurve{Rates: c.Rates, Losses: c.Losses, Smooth: c.Smooth, Suggestion: c.Suggestion, Note: c.Note}
}
