package server_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/wire"
)

func TestAskMemory(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	call[wire.Declared](t, conn, iris("mine"))
	call[wire.Tensors](t, conn, &wire.Compute{Graph: graph(op.Exp, 2), Inputs: []wire.Operand{{Name: "x", X: tensor(feed.FromF32([]float32{1, 2}, 2))}}})
	m := call[wire.Memory](t, conn, &wire.AskMemory{})
	sum, host := int64(0), int64(0)
	for _, h := range m.Holders {
		sum += h.Bytes
		host += h.Host
		if h.Gone || h.Bytes+h.Host <= 0 || h.Kind == "" {
			t.Errorf("%+v", h)
		}
	}
	if sum != m.Live || host != m.Host || len(m.Holders) != 3 || m.Leaks() != "" || !strings.Contains(m.String(), "trainer mine of ") {
		t.Errorf("%d bytes are held of %d: %v, leaks %q", sum, m.Live, m, m.Leaks())
	}
}

// The sums of notebooks add up to what is in use, line by line.
func TestMemoryOfNotebooks(t *testing.T) {
	c := start(t)
	for i := range 3 {
		conn, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version, Session: fmt.Sprint("notebook ", i)})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for n := range i + 1 {
			call[wire.Declared](t, conn, iris(fmt.Sprint("t", n)))
		}
		x := tensor(feed.FromF32([]float32{1, 2}, 2))
		call[wire.Tensors](t, conn, &wire.Compute{Graph: graph(op.Exp, 2), Inputs: []wire.Operand{{Name: "x", X: x}}, Store: "kept"})
	}
	m := call[wire.Memory](t, client(t, c), &wire.AskMemory{})
	var sum wire.Holder
	trainers := map[string]int64{}
	for _, h := range m.Holders {
		if h.Session != "" {
			trainers[h.Session] += h.Bytes + h.Host
		}
	}
	for _, h := range m.Sums() {
		sum.Bytes += h.Bytes
		sum.Host += h.Host
		sum.Disk += h.Disk
		if h.Session != "" && h.Bytes+h.Host != trainers[h.Session] {
			t.Errorf("%s holds %d bytes, and its sum is %d", h.Session, trainers[h.Session], h.Bytes+h.Host)
		}
	}
	if sum.Bytes != m.Live || sum.Host != m.Host || sum.Disk != m.Disk || len(m.Sums()) != 4 || m.Sums()[0].Session == "notebook 0" {
		t.Errorf("the sums are %+v of %+v", m.Sums(), m)
	}
}

// state is what a core must not have more and more of.
func state(t *testing.T, conn *wire.Conn) (live int64, holders, files int) {
	t.Helper()
	m := call[wire.Memory](t, conn, &wire.AskMemory{})
	if leaks := m.Leaks(); leaks != "" {
		t.Error(leaks)
	}
	return m.Live, len(m.Holders), openFiles(t)
}

// Notebooks come and go, make trainers, use and drop them or leave them to others,
// and leave in the middle of an answer. In the end pool, goroutines, files, sessions
// and exchanged files are where they began, which start checks, too.
func TestMemoryComesBack(t *testing.T) {
	c := start(t)
	watch := client(t, c)
	live, holders, files := state(t, watch)
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		conn, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version, Session: fmt.Sprint("notebook ", rng.IntN(5))})
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint("t", rng.IntN(3))
		call[wire.Declared](t, conn, iris(name))
		what := rng.IntN(5)
		switch what {
		case 0:
			call[wire.Trained](t, conn, &wire.Train{Trainer: name, Epochs: 1, Background: true})
			call[wire.Trained](t, conn, &wire.Stop{Trainer: name})
		case 1:
			n := 1 + rng.IntN(200)
			call[wire.Tensors](t, conn, &wire.Predict{Trainer: name, X: tensor(feed.FromF32(make([]float32, 4*n), n, 4))})
		case 2:
			n := 1 + rng.IntN(100)
			call[wire.Tensors](t, conn, &wire.Compute{Graph: graph(op.Exp, n), Inputs: []wire.Operand{{Name: "x", X: tensor(feed.FromF32(make([]float32, n), n))}}})
		case 3:
			conn.Send(&wire.Predict{Trainer: name, X: tensor(feed.FromF32(make([]float32, 4000), 1000, 4))}) // and hears no answer
		}
		if what != 3 && rng.IntN(2) == 0 {
			call[wire.OK](t, conn, &wire.Drop{Trainer: name})
		}
		conn.Close()
	}
	eventually(t, "the clients to go", func() bool {
		for _, s := range c.Runtime().Sessions() {
			for _, tr := range s.Trainers() {
				s.Drop(tr.Name())
			}
		}
		return len(c.Runtime().Sessions()) <= 1
	})
	c.Runtime().Trim()
	liveNow, holdersNow, filesNow := state(t, watch)
	if liveNow != live || holdersNow != holders || filesNow > files {
		t.Errorf("%d bytes of %d holders and %d files are left, and it began with %d of %d and %d", liveNow, holdersNow, filesNow, live, holders, files)
	}
}
