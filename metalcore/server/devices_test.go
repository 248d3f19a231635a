package server_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/wire"
)

func TestDevices(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	used := func(kind string) {
		t.Helper()
		for _, d := range call[wire.Devices](t, conn, &wire.AskDevices{}).List {
			if d.Used != (d.Kind == kind) || (d.Name == "") != (d.Missing != "") {
				t.Errorf("%+v", d)
			}
		}
		status := call[wire.Status](t, conn, &wire.StatusRequest{})
		if got := c.Runtime().Device().Info(); got.Kind != kind || status.Welcome.Device != got.Name {
			t.Errorf("the core is on %s, its status says %q, want %s", got.Kind, status.Welcome.Device, kind)
		}
	}
	refused(t, conn, &wire.UseDevice{Kind: "gpu"}, wire.CodeUnknown, "auto", "spare")
	if d := call[wire.Device](t, conn, &wire.UseDevice{Kind: "cpu"}); d.Kind != "cpu" || !d.Used {
		t.Errorf("%+v", d)
	}
	used("cpu")

	x := feed.FromF32([]float32{1, 2}, 2)
	keep := &wire.Compute{Graph: graph(op.Exp, 2), Inputs: []wire.Operand{{Name: "x", X: tensor(x)}}, Store: "kept"}
	call[wire.Tensors](t, conn, keep)
	if d := call[wire.Device](t, conn, &wire.UseDevice{Kind: "spare"}); d.Name != "spare CPU" {
		t.Errorf("%+v", d)
	}
	used("spare")
	call[wire.Tensors](t, conn, &wire.Compute{Graph: graph(op.Exp, 2), Inputs: []wire.Operand{{Name: "x", Stored: "kept"}}})

	call[wire.Declared](t, conn, iris("mine"))
	refused(t, conn, &wire.UseDevice{Kind: "cpu"}, wire.CodeBusy, "spare CPU", `"mine"`, "Drop()", "metalnb stop --force")
	call[wire.Device](t, conn, &wire.UseDevice{Kind: "spare"}) // is in use already
	used("spare")
	call[wire.OK](t, conn, &wire.Drop{Trainer: "mine"})
	call[wire.Device](t, conn, &wire.UseDevice{Kind: "cpu"})
	used("cpu")
}

// Whoever computes while the device is changed computes on one of the two.
func TestDeviceChangesUnderWork(t *testing.T) {
	c := start(t)
	var all sync.WaitGroup
	for range 3 {
		conn := client(t, c)
		all.Go(func() {
			for i := range 50 {
				kind := []string{"cpu", "spare"}[i%2]
				if _, err := conn.Call(&wire.UseDevice{Kind: kind}); err != nil && !strings.Contains(err.Error(), "is computed") {
					t.Error(err)
				}
				x := feed.FromF32([]float32{1, 2}, 2)
				if _, err := conn.Call(&wire.Compute{Graph: graph(op.Exp, 2), Inputs: []wire.Operand{{Name: "x", X: tensor(x)}}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
