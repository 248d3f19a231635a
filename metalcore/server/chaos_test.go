package server_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/server/servertest"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// anything is a request about one of a few trainers, such as other cells send at
// the same time.
func anything(rng *rand.Rand) wire.Message {
	name, other := fmt.Sprint("t", rng.IntN(3)), fmt.Sprint("t", rng.IntN(3))
	x := wire.Tensor{DType: "f32", Shape: []int{1, 4}, Data: make([]byte, 16)}
	declare := iris(name)
	declare.Spec.Replace, declare.Spec.Batch = rng.IntN(2) == 0, 10+10*rng.IntN(3)
	return []wire.Message{
		declare, iris(name), declare, iris(name),
		&wire.Train{Trainer: name, Epochs: 1 + rng.IntN(1000), Background: true},
		&wire.Train{Trainer: name, Steps: 1 + rng.IntN(20)},
		&wire.Fork{Trainer: name, As: other}, &wire.Rename{Trainer: name, As: other}, &wire.Drop{Trainer: name},
		&wire.Stop{Trainer: name}, &wire.Pause{Trainer: name}, &wire.Resume{Trainer: name}, &wire.Reset{Trainer: name},
		&wire.SetLR{Trainer: name, LR: 0.01 * rng.Float64()},
		&wire.Save{Trainer: name, Name: "best"}, &wire.Restore{Trainer: name, Name: "best"}, &wire.AskCheckpoints{Trainer: name},
		&wire.Predict{Trainer: name, X: x}, &wire.Evaluate{Trainer: name, Data: wire.DataRef{Source: "iris"}},
		&wire.AskTrainer{Trainer: name}, &wire.StatusRequest{}, &wire.AskMemory{},
	}[rng.IntN(22)]
}

// chaos sends requests until the time is over, and stays for their answers.
func chaos(c *servertest.Core, rng *rand.Rand, requests int) error {
	conn, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version, Session: "notebook"})
	if err != nil {
		return err
	}
	defer conn.Close()
	for range requests {
		req := anything(rng)
		err := conn.Send(req)
		for last := false; err == nil && !last; {
			var m wire.Message
			if m, err = conn.Recv(); err != nil {
				break
			}
			switch m := m.(type) {
			case *wire.Problem:
				if last = true; m.Code == wire.CodeInternal || m.Code == string(runtime.Resource) {
					return fmt.Errorf("%T %+v: %w", req, req, m)
				}
			case *wire.Event:
			default:
				last = true
			}
		}
		if err != nil {
			return fmt.Errorf("%T: %w", req, err)
		}
	}
	return nil
}

// Trainers are declared, replaced, renamed, forked, dropped, trained, paused, saved
// and restored by several cells at once, in any order: each gets an answer, what is
// wrong is the request's own fault, and nothing of it is left.
func TestAnythingAtOnce(t *testing.T) {
	for _, every := range []time.Duration{0, time.Millisecond} {
		t.Run(fmt.Sprintf("a journal every %v", every), func(t *testing.T) {
			c := start(t)
			if err := c.End(); err != nil {
				t.Fatal(err)
			}
			c.Journal = every
			if err := c.Begin(); err != nil {
				t.Fatal(err)
			}
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			var all sync.WaitGroup
			for worker := range 6 {
				rng := rand.New(rand.NewPCG(uint64(worker), seed))
				all.Go(func() {
					if err := chaos(c, rng, 200); err != nil {
						t.Error(err)
					}
				})
			}
			ended, resumed := make(chan struct{}), make(chan struct{})
			conn := client(t, c)
			go func() { // so that nobody waits for a training that is paused
				defer close(resumed)
				for {
					select {
					case <-ended:
						return
					case <-time.After(10 * time.Millisecond):
					}
					for i := range 3 {
						conn.Call(&wire.Resume{Trainer: fmt.Sprint("t", i)})
					}
				}
			}()
			all.Wait()
			close(ended)
			<-resumed
		})
	}
}
