package server_test

import (
	"errors"
	"net"
	"os"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/server/servertest"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// start runs a core for one test. When the test ends nothing may be left of
// what it did: memory on the device, files in the exchange directory, open
// files, goroutines.
func start(t *testing.T) *servertest.Core {
	t.Helper()
	files, routines := openFiles(t), goruntime.NumGoroutine()
	c, err := servertest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		eventually(t, "the goroutines to end", func() bool { return goruntime.NumGoroutine() <= routines })
		eventually(t, "the files to be closed", func() bool { return openFiles(t) <= files })
	})
	t.Cleanup(func() {
		if err := c.End(); err != nil {
			t.Error(err)
		}
		c.Remove()
	})
	t.Cleanup(func() {
		works(t, c)
		for _, s := range c.Runtime().Sessions() {
			for _, tr := range s.Trainers() {
				tr.Stop()
				if err := s.Drop(tr.Spec().Name); err != nil {
					t.Error(err)
				}
			}
		}
		dev := c.Runtime().Device().(interface{ LiveBytes() int64 })
		eventually(t, "the device's memory to be free", func() bool { c.Runtime().Trim(); return dev.LiveBytes() == 0 })
		eventually(t, "the exchanged files to be gone", func() bool { return len(exchanged(t, c)) == 0 })
	})
	return c
}

// eventually waits for something that must come, however slow the machine.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("waited in vain for %s\n%s", what, stacks[:goruntime.Stack(stacks, true)])
		}
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func exchanged(t *testing.T, c *servertest.Core) []os.DirEntry {
	t.Helper()
	list, err := os.ReadDir(c.Place.Exchange())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// client is a connection of a notebook that is closed when the test ends.
func client(t *testing.T, c *servertest.Core) *wire.Conn {
	t.Helper()
	conn, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid(), Session: "notebook", Kernel: "k"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// raw is a connection on which nothing has been said.
func raw(t *testing.T, c *servertest.Core) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", c.Place.Socket())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn
}

// works checks that the core serves another client.
func works(t *testing.T, c *servertest.Core) {
	t.Helper()
	conn := client(t, c)
	defer conn.Close()
	x := feed.FromF32([]float32{1, 2}, 2)
	out := call[wire.Tensors](t, conn, &wire.Compute{Graph: graph(op.Exp, 2), Inputs: []wire.Operand{{Name: "x", X: tensor(x)}}})
	if len(out.List) != 1 || len(out.List[0].Data) != 8 {
		t.Errorf("the core computes %+v", out)
	}
}

// call sends a request whose answer is of type *T.
func call[T any](t *testing.T, conn *wire.Conn, req wire.Message) *T {
	t.Helper()
	m, err := conn.Call(req)
	out, ok := any(m).(*T)
	if err != nil || !ok {
		t.Fatalf("%T: %T, %v", req, m, err)
	}
	return out
}

// refused sends a request that must be answered by a problem of that code which
// says all the words.
func refused(t *testing.T, conn *wire.Conn, req wire.Message, code string, words ...string) {
	t.Helper()
	_, err := conn.Call(req)
	isProblem(t, err, code, words...)
}

func isProblem(t *testing.T, err error, code string, words ...string) {
	t.Helper()
	p, ok := errors.AsType[*wire.Problem](err)
	if !ok || p.Code != code {
		t.Fatalf("got %v, want a problem %s", err, code)
	}
	for _, w := range words {
		if !strings.Contains(p.Error(), w) {
			t.Errorf("the problem does not say %q: %v", w, p)
		}
	}
}

func tensor(a feed.Array) wire.Tensor {
	return wire.Tensor{DType: a.DType.String(), Shape: a.Shape, Data: a.Data}
}

// graph is the text of y = f(x) with x f32 of a shape.
func graph(f func(x *ir.Value) *ir.Value, shape ...int) string {
	return ir.NewGraph("tensor", []ir.Output{{Name: "y", Value: f(ir.Input("x", ir.F32, shape...))}}, nil).String()
}

// model is the text of a model of one layer.
func model(in, out int) string {
	w := ir.State("dense_1/kernel", ir.F32, ir.Shape{in, out}, ir.Attrs{ir.AttrInit: "he_normal", ir.AttrTrain: true})
	return graph(func(x *ir.Value) *ir.Value { return op.MatMul(x, w, false, false) }, ir.Batch, in)
}

// iris is a declaration of a small classifier.
func iris(name string) *wire.Declare {
	return &wire.Declare{Spec: wire.TrainerSpec{
		Name: name, Model: model(4, 3), Data: wire.DataRef{Source: "iris"}, Batch: 30, Seed: 1,
		Optimizer: wire.Optimizer{Name: "sgd", Settings: []wire.Setting{{Name: "lr", Value: 0.01}}},
	}}
}

// double is a function to compute.
func double(x *ir.Value) *ir.Value { return op.Add(x, x) }
