package server_test

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/train"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Who has opened a stream makes its rows, also before it says that it waits to be
// asked for some: a training that begins in between waits.
func TestStreamIsMadeOnceItIsOpen(t *testing.T) {
	c := start(t)
	maker, conn := client(t, c), client(t, c)
	refused(t, maker, &wire.Offer{Name: "made"}, wire.CodeBadRequest, `no stream "made" is open`)
	open := &wire.OpenStream{Name: "made", X: wire.Tensor{DType: "f32", Shape: []int{4, 4}}, Y: wire.Tensor{DType: "i32", Shape: []int{4}}, Classes: []string{"a", "b", "c"}}
	call[wire.DataInfo](t, maker, open)
	d := iris("a")
	d.Spec.Data = wire.DataRef{Source: "made", User: true}
	call[wire.Declared](t, conn, d)
	call[wire.Trained](t, conn, &wire.Train{Trainer: "a", Epochs: 1, Background: true})
	if p := call[wire.Pull](t, maker, &wire.Offer{Name: "made"}); p.From != 0 || p.Rows < 4 {
		t.Errorf("%+v is wanted", p)
	}
	rows := &wire.Offer{Name: "made", X: wire.Tensor{DType: "f32", Shape: []int{4, 4}, Data: make([]byte, 64)}, Y: wire.Tensor{DType: "i32", Shape: []int{4}, Data: make([]byte, 16)}}
	if err := maker.Send(rows); err != nil {
		t.Fatal(err)
	}
	tr := c.Runtime().Trainers()[0]
	<-tr.Run().Done()
	if i := tr.Info(); i.State != train.Finished || i.Epoch != 1 {
		t.Errorf("%+v", i)
	}
}
