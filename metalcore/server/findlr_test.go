package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// A range test answers with its curve, after the chart if it shall be shown, and the
// trainer is as it was.
func TestFindLR(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	call[wire.Declared](t, conn, iris("flowers"))
	call[wire.Trained](t, conn, &wire.Train{Trainer: "flowers", Steps: 7, Background: true})
	watch(t, conn, "flowers")
	before := call[wire.Run](t, conn, &wire.AskTrainer{Trainer: "flowers"})
	if err := conn.Send(&wire.FindLR{Trainer: "flowers", From: 1e-6, To: 1, Steps: 50, Show: true}); err != nil {
		t.Fatal(err)
	}
	var last *wire.Show
	for {
		m, err := conn.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if show, ok := m.(*wire.Show); ok {
			last = show
			continue
		}
		curve, ok := m.(*wire.LRCurve)
		if !ok || len(curve.Rates) == 0 || len(curve.Losses) != len(curve.Rates) || len(curve.Smooth) != len(curve.Rates) || curve.Rates[0] != 1e-6 {
			t.Errorf("%T %+v", m, m)
		}
		break
	}
	if last == nil || last.ID == "" || len(last.Items) != 3 || !strings.Contains(string(last.Items[2].Data), "flowers: learning rates") {
		t.Errorf("the last picture is %+v", last)
	}
	after := call[wire.Run](t, conn, &wire.AskTrainer{Trainer: "flowers"})
	before.Info.Bytes, after.Info.Bytes = 0, 0
	if len(after.Points) != len(before.Points) || after.Info.Step != 7 || after.Info.LR != before.Info.LR || after.Info.State != before.Info.State {
		t.Errorf("%+v became %+v", before.Info, after.Info)
	}
	refused(t, conn, &wire.FindLR{Trainer: "flowers", From: 1, To: 0.1}, wire.CodeBadRequest, "do not rise")
	refused(t, conn, &wire.FindLR{Trainer: "roses"}, wire.CodeUnknown, `no trainer "roses"`)
}

// watch waits until a training has ended.
func watch(t *testing.T, conn *wire.Conn, name string) {
	t.Helper()
	eventually(t, "the training to end", func() bool {
		run := call[wire.Run](t, conn, &wire.AskTrainer{Trainer: name, Brief: true})
		return !run.Info.Training()
	})
}

// The test ends when the client goes away, also one that sees the chart, and the
// trainer works on.
func TestFindLROfAClientThatGoes(t *testing.T) {
	c := start(t)
	stay := client(t, c)
	call[wire.Declared](t, stay, iris("flowers"))
	session := c.Runtime().Sessions()[0]
	tr, err := session.Trainer("flowers")
	if err != nil {
		t.Fatal(err)
	}
	dev := c.Runtime().Device().(interface{ LiveBytes() int64 })
	before := dev.LiveBytes()
	for _, show := range []bool{false, true} {
		conn := client(t, c)
		if err := conn.Send(&wire.FindLR{Trainer: "flowers", From: 1e-9, To: 1e-8, Steps: 10_000, Show: show}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
		conn.Close()
		eventually(t, "the test to end", func() bool { return dev.LiveBytes() <= before })
	}
	call[wire.Trained](t, stay, &wire.Train{Trainer: "flowers", Epochs: 1, Background: true})
	watch(t, stay, "flowers")
	if i := tr.Info(); i.Epoch != 1 {
		t.Errorf("%+v", i)
	}
}
