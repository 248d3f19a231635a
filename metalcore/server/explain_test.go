package server_test

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// A trainer is explained while it trains, and goes on; what cannot be explained
// is refused.
func TestExplain(t *testing.T) {
	c := start(t)
	conn, other := client(t, c), client(t, c)
	call[wire.Declared](t, conn, iris("a"))
	call[wire.Trained](t, conn, &wire.Train{Trainer: "a", Epochs: 1_000_000, Background: true})
	e := call[wire.Explained](t, other, &wire.AskExplain{Trainer: "a", Skip: []string{"fuse"}, Dump: true})
	if !e.Timed || e.Params != 12 || e.Passes[0].Text == "" || len(e.Kernels) == 0 {
		t.Errorf("got %+v", e)
	}
	if run := call[wire.Run](t, conn, &wire.AskTrainer{Trainer: "a", Brief: true}); run.Info.State != wire.StateRunning {
		t.Errorf("after the explanation it is %s", run.Info.State)
	}
	call[wire.Trained](t, conn, &wire.Stop{Trainer: "a"})
	if e := call[wire.Explained](t, conn, &wire.AskExplain{Graph: model(4, 3)}); e.Kernels[0].Result != "f32[32,3]" {
		t.Errorf("a model is explained as %+v", e.Kernels)
	}
	large := func(x *ir.Value) *ir.Value { return op.Add(x, ir.Const(1, ir.F32, 1<<40)) }
	for code, req := range map[string]*wire.AskExplain{
		wire.CodeUnknown:    {Trainer: "b"},
		wire.CodeBadRequest: {Graph: "graph \"x\"\n%0 = input"},
		wire.CodeResource:   {Graph: graph(large, 1)},
	} {
		refused(t, conn, req, code)
	}
	refused(t, conn, &wire.AskExplain{Trainer: "a", Skip: []string{"plan"}}, wire.CodeBadRequest, "no pass", "schedule")
	refused(t, conn, &wire.Picture{What: "explain", Trainer: "b"}, wire.CodeUnknown)
}
