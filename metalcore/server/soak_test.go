package server_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/server/servertest"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// soak is how many cells attach in TestSoak; thousands take minutes.
var soak = flag.Int("soak", 400, "attaches in TestSoak")

// footprint is what a process holds.
type footprint struct {
	goroutines, files, mappings, sessions, exchanged int
	device, heap                                     int64
}

func footprintOf(t *testing.T, c *servertest.Core) footprint {
	goruntime.GC()
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	f := footprint{goroutines: goruntime.NumGoroutine(), files: openFiles(t), sessions: len(c.Runtime().Sessions()), exchanged: len(exchanged(t, c)), heap: int64(m.HeapAlloc)}
	if maps, err := os.ReadFile("/proc/self/maps"); err == nil {
		f.mappings = bytes.Count(maps, []byte("\n"))
	}
	f.device = c.Runtime().Device().(interface{ LiveBytes() int64 }).LiveBytes()
	return f
}

// cell is a program that does a few things at random and ends, or is killed, at
// any moment: in the middle of a frame, of a stream, or of handing over a tensor.
func cell(c *servertest.Core, rng *rand.Rand) error {
	conn, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version, Session: fmt.Sprint("book-", rng.IntN(30)), Kernel: fmt.Sprint(rng.IntN(5))})
	if err != nil {
		return err
	}
	defer conn.Close()
	name := fmt.Sprint("t", rng.IntN(3))
	if _, err := conn.Call(iris(name)); err != nil {
		return err
	}
	for rng.IntN(4) > 0 {
		x := wire.Tensor{DType: "f32", Shape: []int{1, 4}, Data: make([]byte, 16)}
		large := wire.Tensor{DType: "f32", Shape: []int{70_000}, Data: make([]byte, 280_000)}
		var req wire.Message
		switch rng.IntN(8) {
		case 0:
			req = &wire.Train{Trainer: name, Epochs: 1 + rng.IntN(50), Background: rng.IntN(2) == 0, Show: rng.IntN(8) == 0}
		case 1:
			req = &wire.Predict{Trainer: name, X: x}
		case 2:
			req = &wire.Drop{Trainer: name}
		case 3:
			req = &wire.Evaluate{Trainer: name, Data: wire.DataRef{Source: "iris"}}
		case 4:
			if err := large.Export(c.Place); err != nil {
				return err
			}
			req = &wire.Compute{Graph: graph(op.Exp, 70_000), Inputs: []wire.Operand{{Name: "x", X: large}}}
		case 5:
			req = &wire.Watch{Trainer: name}
		case 6:
			req = &wire.Reset{Trainer: name}
		default:
			req = &wire.AskTrainer{Trainer: name}
		}
		if rng.IntN(10) == 0 {
			return nil // killed before it asks
		}
		if err := conn.Send(req); err != nil {
			return err
		}
		if rng.IntN(10) == 0 {
			return nil // killed while it waits
		}
		if _, err := conn.Recv(); err != nil { // the rest of a stream is not wanted
			return err
		}
		if _, stream := req.(*wire.Train); stream {
			return nil
		}
	}
	return nil
}

// TestSoak has cells come and go, several at once, and then everything dropped:
// what the core holds is what it held at first.
func TestSoak(t *testing.T) {
	c := start(t)
	if err := cell(c, rand.New(rand.NewPCG(0, 0))); err != nil { // what is made once
		t.Fatal(err)
	}
	empty := func() {
		eventually(t, "the sessions to be empty", func() bool {
			for _, s := range c.Runtime().Sessions() {
				for _, tr := range s.Trainers() {
					tr.Stop()
					s.Drop(tr.Spec().Name)
				}
			}
			return len(c.Runtime().Sessions()) == 0
		})
		c.Place.Sweep(time.Now().Add(time.Hour)) // of those that were killed before they asked
	}
	empty()
	c.Runtime().Trim()
	before := footprintOf(t, c)
	var done atomic.Int64
	var all sync.WaitGroup
	for worker := range 6 {
		rng := rand.New(rand.NewPCG(uint64(worker), 8))
		all.Go(func() {
			for int(done.Add(1)) <= *soak && !t.Failed() {
				if err := cell(c, rng); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	empty()
	var after footprint
	defer func() { t.Logf("before %+v, after %+v", before, after) }()
	eventually(t, "the core to be as it was", func() bool {
		c.Runtime().Trim() // what is kept for the next who needs it
		after = footprintOf(t, c)
		return after.goroutines <= before.goroutines && after.files <= before.files && after.sessions == 0 && after.exchanged == 0 && after.device <= before.device
	})
	if grown := after.heap - before.heap; grown > 16<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if grown := after.mappings - before.mappings; grown > 100 { // the runtime makes some for its heap and threads
		t.Errorf("there are %d more mappings", grown)
	}
}
