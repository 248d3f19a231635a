package server_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/server"
	"github.com/metalnb/metalnb/metalcore/server/servertest"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// requests are some that a core answers, of each kind, to begin from; file is a
// table that may be read.
func requests(file string) []wire.Message {
	x := tensor(feed.FromF32([]float32{1, 2, 3, 4}, 1, 4))
	matrix := wire.Operand{Name: "x", X: tensor(feed.FromF32([]float32{2, 1, 1, 3}, 2, 2))}
	iris1, digits := wire.DataRef{Source: "iris"}, wire.DataRef{Source: "digits", Part: "train", Share: 0.25, Seed: 7}
	full := iris("full").Spec
	full.Valid, full.Metrics, full.L2, full.Precision = wire.DataRef{Source: "iris", Part: "test", Share: 0.5}, []string{"accuracy"}, 0.01, "mixed_float16"
	full.Optimizer = wire.Optimizer{Name: "adam", Groups: []wire.Group{{Layers: "dense*", LR: 2}}}
	full.Schedule = wire.Schedule{Name: "cosine", Settings: []wire.Setting{{Name: "steps", Value: 100}}}
	return []wire.Message{
		&wire.StatusRequest{}, iris("b"), &wire.Declare{Spec: full}, &wire.Drop{Trainer: "a"}, &wire.Reset{Trainer: "a"}, &wire.Stop{Trainer: "a"},
		&wire.Train{Trainer: "a", Epochs: 1}, &wire.Train{Trainer: "a", Epochs: 2, Show: true}, &wire.Watch{Trainer: "a", Show: true}, &wire.SetLR{Trainer: "a", LR: 0.5},
		&wire.FindLR{Trainer: "a"}, &wire.FindLR{Trainer: "a", From: 1e-3, To: 1, Steps: 20, Show: true},
		&wire.AskTrainer{Trainer: "a"}, &wire.Evaluate{Trainer: "a", Data: iris1}, &wire.Predict{Trainer: "a", X: x}, &wire.AskReport{Trainer: "a", Data: iris1},
		&wire.AskCurve{Trainer: "a", Data: iris1, Kind: "roc", Class: 1}, &wire.AskExplain{Trainer: "a"}, &wire.AskExplain{Graph: graph(op.Exp, 4), Skip: []string{"fuse"}, Dump: true},
		&wire.PutData{Name: "mine", Hash: "h", X: x, Y: tensor(feed.FromI32([]int32{0}, 1)), Classes: []string{"one"}}, &wire.HasData{Name: "mine", Hash: "h"},
		&wire.AskData{Ref: digits}, &wire.Rows{Ref: digits, Rows: []int{0, 5}}, &wire.Compute{Graph: graph(double, 1, 4), Inputs: []wire.Operand{{Name: "x", X: x}}, Store: "kept"},
		&wire.Compute{Graph: graph(op.Tanh, 2, 2), Inputs: []wire.Operand{matrix}}, &wire.Call{Func: "inv", Inputs: []wire.Operand{matrix}}, &wire.Call{Func: "svd", Inputs: []wire.Operand{matrix}},
		&wire.Call{Func: "rfft", Inputs: []wire.Operand{{X: x}}}, &wire.Picture{What: "summary", Trainer: "a"}, &wire.Picture{What: "confusion", Trainer: "a", Data: iris1},
		&wire.Picture{What: "images", Data: digits, Rows: []int{1, 2}}, &wire.Picture{What: "predictions", Trainer: "a", Data: iris1, Rows: []int{3}}, &wire.Picture{What: "data", Data: iris1},
		&wire.AskDevices{}, &wire.LoadData{Name: "table", Format: "csv", Paths: []string{file}, Label: "b"},
		&wire.OpenStream{Name: "made", X: wire.Tensor{DType: "f32", Shape: []int{8, 4}}, Y: wire.Tensor{DType: "i32", Shape: []int{8}}, Classes: []string{"a", "b"}},
		&wire.Offer{Name: "made", From: 0}, &wire.Chunk{File: "tensor-1", Data: []byte("x")}, &wire.Enter{Token: "x"},
	}
}

// choices are bytes that decide what is changed in a request; behind their end
// all are 0.
type choices []byte

// of returns a number below n.
func (c *choices) of(n int) int {
	if len(*c) == 0 {
		return 0
	}
	b := (*c)[0]
	*c = (*c)[1:]
	return int(b) % n
}

// Values that a client may send and nobody wants.
var (
	badInts    = []int64{0, -1, 1, 2, 7, math.MinInt64, math.MaxInt64, 1 << 20, 1 << 32, 1 << 40, -1 << 40, math.MaxInt32}
	badFloats  = []float64{0, -1, 1e308, -1e-308, 0.5, 2, math.NaN(), math.Inf(1), math.Inf(-1)}
	badStrings = []string{"", "a", "b", "x", "mine", "iris", "digits", "train", "\x00", "../a", "/etc/passwd", "%s", "<b>", "f16", "bool", "i64", "adam", "lion", "lbfgs", "mse", "hinge", "exp", "mixed_float16", "images", "chart", "csv", "parquet", "tensor-1", strings.Repeat("long ", 2000)}
)

// change makes one value of a request, or the length of one of its lists, another.
func (c *choices) change(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if n := v.NumField(); n > 0 {
			c.change(v.Field(c.of(n)))
		}
	case reflect.Slice:
		switch n := v.Len(); {
		case n == 0 || c.of(4) == 0:
			grown := reflect.MakeSlice(v.Type(), []int{0, 1, 2, 5, 1000}[c.of(5)], 1000)
			reflect.Copy(grown, v)
			v.Set(grown)
		default:
			c.change(v.Index(c.of(n)))
		}
	case reflect.String:
		if s := v.String(); len(s) > 100 && c.of(4) > 0 { // of a graph
			v.SetString(c.edit(s))
			return
		}
		v.SetString(badStrings[c.of(len(badStrings))])
	case reflect.Int, reflect.Int64:
		v.SetInt(badInts[c.of(len(badInts))])
	case reflect.Uint8:
		v.SetUint(uint64(c.of(256)))
	case reflect.Float64:
		v.SetFloat(badFloats[c.of(len(badFloats))])
	case reflect.Bool:
		v.SetBool(!v.Bool())
	}
}

// edit makes a word of a text another one of it, or a number.
func (c *choices) edit(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" [],{}=\n", r) })
	old, to := words[c.of(len(words))], words[c.of(len(words))]
	if n := c.of(8); n > 3 {
		to = fmt.Sprint(badInts[c.of(len(badInts))])
	}
	at := strings.Index(s, old)
	return s[:at] + to + s[at+len(old):]
}

// FuzzRequests asks a core of little memory for things of which some values have
// been changed. It must answer, in time, with anything but a fault of its own, and
// keep no memory of the device.
func FuzzRequests(f *testing.F) {
	c, list := weak(f)
	for i := range list {
		f.Add(uint8(i), []byte{})
	}
	f.Fuzz(func(t *testing.T, which uint8, bytes []byte) { askChanged(t, c, list, int(which), bytes) })
}

// TestChangedRequests does the same at random.
func TestChangedRequests(t *testing.T) {
	c, list := weak(t)
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 1500 {
		bytes := make([]byte, 40)
		for j := range bytes {
			bytes[j] = byte(rng.Uint32())
		}
		askChanged(t, c, list, i, bytes)
		if t.Failed() {
			t.Fatalf("request %d with %v", i, bytes)
		}
	}
}

// weak starts a core of little memory, which reads files of one folder, and
// returns requests to begin from.
func weak(t testing.TB) (c *servertest.Core, list []wire.Message) {
	c, err := servertest.Start()
	if err == nil {
		err = c.End()
	}
	file := filepath.Join(t.TempDir(), "in.csv")
	if err == nil {
		err = os.WriteFile(file, []byte("a,b\n1,2\n3,4\n"), 0o600)
	}
	c.Memory, c.Roots = 256<<20, server.Roots{filepath.Dir(file)}
	if err == nil {
		err = c.Begin()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.End()
		c.Remove()
	})
	return c, requests(file)
}

// askChanged sends one of the requests with up to four changes.
func askChanged(t *testing.T, c *servertest.Core, list []wire.Message, which int, bytes choices) {
	m := list[which%len(list)]
	fresh := reflect.New(reflect.TypeOf(m).Elem())
	if err := wire.Decode(fresh.Interface().(wire.Message), wire.Encode(m)); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if len(bytes) > 0 {
			bytes.change(fresh.Elem())
		}
	}
	ask(t, c, fresh.Interface().(wire.Message))
	forget(t, c)
}

// ask sends a request behind the declaration of a trainer, and holds its first
// answer to be no fault of the core's.
func ask(t *testing.T, c *servertest.Core, req wire.Message) {
	t.Helper()
	conn, err := net.Dial("unix", c.Place.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	patience := 20 * time.Second
	_, offer := req.(*wire.Offer)
	if offer {
		patience = 50 * time.Millisecond // it is answered when rows are wanted
	}
	conn.SetDeadline(time.Now().Add(patience))
	both := wire.NewConn(conn, wire.MaxFrame)
	hello := &wire.Hello{Proto: wire.Proto, Version: wire.Version, Session: "notebook"}
	for _, m := range []wire.Message{hello, iris("a"), req} {
		answer, err := both.Call(m)
		if offer && errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, wire.ErrTooLarge) {
			return
		}
		if p, ok := errors.AsType[*wire.Problem](err); ok && p.Code != wire.CodeInternal && p.Message != "" {
			continue
		}
		if err != nil {
			t.Fatalf("%T %.500s: %v, %v", m, fmt.Sprintf("%+v", m), answer, err)
		}
	}
}

// forget drops the trainers that the request has left, and waits for its memory.
func forget(t *testing.T, c *servertest.Core) {
	eventually(t, "the client to go", func() bool {
		for _, s := range c.Runtime().Sessions() {
			for _, tr := range s.Trainers() {
				tr.Stop()
				s.Drop(tr.Spec().Name)
			}
			if s.Clients() > 0 {
				return false
			}
		}
		return true
	})
	dev := c.Runtime().Device().(interface{ LiveBytes() int64 })
	eventually(t, "the device's memory to be free", func() bool { c.Runtime().Trim(); return dev.LiveBytes() == 0 })
}
