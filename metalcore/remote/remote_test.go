package remote

import (
	"fmt"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// double is the text of y = x + x of so many numbers.
func double(n int) string {
	x := ir.Input("x", ir.F32, n)
	return ir.NewGraph("double", []ir.Output{{Name: "y", Value: op.Add(x, x)}}, nil).String()
}

// iris is a declaration of a small classifier.
func iris(name string) *wire.Declare {
	x, w := ir.Input("x", ir.F32, ir.Batch, 4), ir.State("dense_1/kernel", ir.F32, ir.Shape{4, 3}, ir.Attrs{ir.AttrInit: "he_normal", ir.AttrTrain: true})
	g := ir.NewGraph("model", []ir.Output{{Name: "y", Value: op.MatMul(x, w, false, false)}}, nil)
	return &wire.Declare{Spec: wire.TrainerSpec{Name: name, Model: g.String(), Data: wire.DataRef{Source: "iris"}, Batch: 30, Seed: 1,
		Optimizer: wire.Optimizer{Name: "sgd", Settings: []wire.Setting{{Name: "lr", Value: 0.01}}}}}
}

// numbers are n numbers, in a file when they are many.
func numbers(t testing.TB, place wire.Place, n int) wire.Tensor {
	t.Helper()
	x := wire.Tensor{DType: "f32", Shape: []int{n}, Data: make([]byte, 0, 4*n)}
	for i := range n {
		x.Data = ir.AppendElement(x.Data, ir.F32, float64(i))
	}
	if err := x.Export(place); err != nil {
		t.Fatal(err)
	}
	return x
}

// Tensors of every size come back doubled, through files on both machines.
func TestTensorsThroughTheTunnel(t *testing.T) {
	f := listen(t, nil)
	place := f.relayed(t)
	conn := client(t, place)
	for _, n := range []int{1, 1000, 70_000, 1 << 18, 6_000_000} {
		x := numbers(t, place, n)
		out := call[wire.Tensors](t, conn, &wire.Compute{Graph: double(n), Inputs: []wire.Operand{{Name: "x", X: x}}}).List
		if err := out[0].Import(place); err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{0, n / 3, n - 1} {
			if got := ir.Elements(ir.F32, out[0].Data[4*i:4*i+4])[0]; got != 2*float64(float32(i)) {
				t.Fatalf("of %d numbers, %d came back as %v", n, i, got)
			}
		}
	}
}

// Training in the foreground streams its epochs, and stops with the cell.
func TestTrainingThroughTheTunnel(t *testing.T) {
	f := listen(t, nil)
	place := f.relayed(t)
	conn := client(t, place)
	call[wire.Declared](t, conn, iris("a"))
	if err := conn.Send(&wire.Train{Trainer: "a", Epochs: 20}); err != nil {
		t.Fatal(err)
	}
	for epoch := 1; ; epoch++ {
		m, err := conn.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if _, ended := m.(*wire.Trained); ended {
			break
		}
		if e, ok := m.(*wire.Event); !ok || e.Info.Last.N != epoch {
			t.Fatalf("%v in the place of epoch %d", m, epoch)
		}
	}
	if err := conn.Send(&wire.Train{Trainer: "a", Epochs: 10_000_000}); err != nil {
		t.Fatal(err)
	}
	tr := f.core.Runtime().Trainers()[0]
	eventually(t, "training to begin", tr.Running)
	conn.Close()
	eventually(t, "training to stop", func() bool { return !tr.Running() })
}

// An answer that is not fetched is removed on the client's machine, too.
func TestAnswerNobodyFetches(t *testing.T) {
	f := listen(t, nil)
	place := f.relayed(t)
	conn := client(t, place)
	call[wire.Tensors](t, conn, &wire.Compute{Graph: double(70_000), Inputs: []wire.Operand{{Name: "x", X: numbers(t, place, 70_000)}}})
	if exchanged(t, place) != 1 {
		t.Error("the answer is not in a file")
	}
	conn.Close() // what relay and listen look for at the end
}

// A tensor that cannot be kept on the other machine is an error of its request,
// and the connection goes on.
func TestTooLargeForTheTunnel(t *testing.T) {
	f := listen(t, func(f *Front) { f.Limit = 2 << 20 })
	place := f.relayed(t)
	conn := client(t, place)
	_, err := conn.Call(&wire.Compute{Graph: double(1 << 20), Inputs: []wire.Operand{{Name: "x", X: numbers(t, place, 1<<20)}}})
	isProblem(t, err, wire.CodeResource, "larger than", "in parts")
	call[wire.Tensors](t, conn, &wire.Compute{Graph: double(1 << 18), Inputs: []wire.Operand{{Name: "x", X: numbers(t, place, 1<<18)}}})
	lost := wire.Tensor{DType: "f32", Shape: []int{70_000}, File: "tensor-none"}
	_, err = conn.Call(&wire.Compute{Graph: double(70_000), Inputs: []wire.Operand{{Name: "x", X: lost}}})
	isProblem(t, err, wire.CodeBadRequest, "tensor-none")
	call[wire.Status](t, conn, &wire.StatusRequest{})
}

// When the core has agreed to end, so does the relay.
func TestShutdownThroughTheTunnel(t *testing.T) {
	f := listen(t, nil)
	place := f.relayed(t)
	conn := client(t, place)
	call[wire.Declared](t, conn, iris("a"))
	call[wire.Trained](t, conn, &wire.Train{Trainer: "a", Epochs: 10_000_000, Background: true})
	if _, err := conn.Call(&wire.Shutdown{}); err == nil {
		t.Fatal("the core ends in the middle of a training")
	}
	if place.Ended() {
		t.Error("the relay ends, though the core goes on")
	}
	call[wire.OK](t, conn, &wire.Shutdown{Force: true})
	eventually(t, "the relay to end", place.Ended)
}

// When the core is gone its cell is let go, the next one is told, and with that the
// relay ends.
func TestCoreThatIsGone(t *testing.T) {
	f := listen(t, nil)
	place := f.relayed(t)
	conn := client(t, place)
	other := client(t, place)
	f.front.listener.Close()
	_, _, err := wire.Dial(place, hello())
	isProblem(t, err, wire.CodeCore, "cannot be reached", "metalnb core --listen")
	call[wire.Status](t, conn, &wire.StatusRequest{}) // who is there still has the core
	other.Close()
	conn.Close()
	eventually(t, "the relay to end", func() bool {
		conn, _, err := wire.Dial(place, hello())
		if err == nil {
			conn.Close()
			t.Fatal("a core that is gone lets somebody in")
		}
		return place.Ended()
	})
}

// Tensors in files through the tunnel, there and back.
func BenchmarkTunnel(b *testing.B) {
	for _, n := range []int{1, 1 << 18, 1 << 22} {
		b.Run(fmt.Sprint(4*n), func(b *testing.B) { benchmarkTunnel(b, n) })
	}
}

func benchmarkTunnel(b *testing.B, n int) {
	place := listen(b, nil).relayed(b)
	conn := client(b, place)
	b.SetBytes(int64(8 * n))
	for b.Loop() {
		x := numbers(b, place, n)
		out := call[wire.Tensors](b, conn, &wire.Compute{Graph: double(n), Inputs: []wire.Operand{{Name: "x", X: x}}}).List
		if err := out[0].Import(place); err != nil {
			b.Fatal(err)
		}
	}
}
