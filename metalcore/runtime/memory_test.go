package runtime

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/pool"
)

// sum computes the sum of n numbers, which the session keeps nothing of.
func sum(t *testing.T, s *Session, n int) {
	t.Helper()
	g := ir.NewGraph("", []ir.Output{{Name: "sum", Value: op.Sum(op.Exp(ir.Input("x", ir.F32, n)), false)}}, nil)
	out, err := s.Compute(g, map[string]feed.Array{"x": feed.FromF32(make([]float32, n), n)}, "")
	if err != nil || out[0].F32s()[0] != float32(n) {
		t.Fatalf("%v, %v", out, err)
	}
}

// A computation is compiled once and kept; what comes in ever new shapes does
// not pile up.
func TestComputationsAreKept(t *testing.T) {
	c, s := session(t)
	for range 5 {
		sum(t, s, 3)
	}
	if u := c.memory().Of(computing); u.Programs != 1 {
		t.Errorf("one computation is compiled to %d programs", u.Programs)
	}
	before := c.memory().Usage()
	sum(t, s, 3)
	if u := c.memory().Usage(); u.Misses != before.Misses || u.Live != before.Live {
		t.Errorf("a computation that is kept allocates: %+v, and before that %+v", u, before)
	}
	most := int64(0)
	for n := range 1000 {
		sum(t, s, n+1)
		u := c.memory().Of(computing)
		if u.Programs > mostComputations {
			t.Fatalf("%d programs are kept", u.Programs)
		}
		most = max(most, u.Bytes)
	}
	if most > 64*20_000 {
		t.Errorf("%d bytes are kept", most)
	}
	c.reclaim(0, backend.Owner{})
	if u := c.memory().Of(computing); u.Bytes != 0 || u.Programs != 0 {
		t.Errorf("%+v is left", u)
	}
}

// The bytes of kept computations are bounded, too.
func TestLargeComputationsGo(t *testing.T) {
	c, s := session(t)
	c.Bound(MemoryOptions{Limit: 16 << 20})
	for n := 1000; n < 1_000_000; n *= 2 {
		sum(t, s, n)
		if u := c.memory().Of(computing); u.Bytes > 1<<20 {
			t.Fatalf("%d bytes are kept after a sum of %d numbers", u.Bytes, n)
		}
	}
}

// audit checks that accounts, trainers and device agree about every byte.
func audit(t *testing.T, c *Core, inner *cpu.Device) {
	t.Helper()
	u := c.memory().Usage()
	total, host := int64(0), int64(0)
	for _, x := range u.Uses {
		total += x.Bytes
		host += x.Host
	}
	if host != u.Host {
		t.Fatalf("the owners have arrays of %d bytes, and all together %d", host, u.Host)
	}
	if total != u.Live || u.Live+u.Cached != inner.LiveBytes() || u.Lost.Bytes != 0 {
		t.Fatalf("the accounts are of %d bytes, %d are live and %d cached, the device says %d", total, u.Live, u.Cached, inner.LiveBytes())
	}
	data := map[backend.Owner]bool{}
	for _, tr := range c.Trainers() {
		has := c.memory().Of(tr.owner)
		if says := tr.Info().Bytes; has.Bytes < says || has.Bytes > says+says/4 {
			t.Fatalf("trainer %s says that it has %d bytes, its account is %+v", tr.Name(), says, has)
		}
		data[tr.Spec().Data.Owner()] = true
		total -= has.Bytes
	}
	for o := range data {
		total -= c.memory().Of(o).Bytes
	}
	if total -= c.memory().Of(computing).Bytes; total != 0 {
		t.Fatalf("%d bytes are neither of a trainer, nor of data, nor of computations: %+v", total, u.Uses)
	}
}

// Whatever is declared, trained, used and dropped, in whatever order, every byte
// is on the account of who has it.
func TestAccountsAddUp(t *testing.T) {
	inner := cpu.New(1)
	c := New(inner)
	defer c.Close()
	rng := rand.New(rand.NewPCG(3, 4))
	var sessions []*Session
	for i := range 3 {
		s, leave := c.Join(fmt.Sprint("notebook ", i))
		defer leave()
		upload(t, s)
		sessions = append(sessions, s)
	}
	for range 300 {
		s := sessions[rng.IntN(len(sessions))]
		name := fmt.Sprint("t", rng.IntN(4))
		tr := s.find(name)
		switch kind := rng.IntN(7); {
		case tr == nil:
			spec := iris(t, s, name, 0.1)
			if rng.IntN(2) == 0 {
				spec.Data, _ = s.Data(mine)
			}
			spec.Batch = 10 + rng.IntN(20)
			declare(t, s, spec, true, "created")
		case kind == 0:
			if err := s.Drop(name); err != nil {
				t.Fatal(err)
			}
		case kind == 1:
			spec := iris(t, s, name, 0.1)
			spec.Batch = 31 + rng.IntN(9)
			if _, _, err := s.Declare(Declaration{Spec: spec}, true); err != nil {
				t.Fatal(err)
			}
		case kind == 2:
			finish(t, tr, 1)
		case kind == 3:
			n := 1 + rng.IntN(300)
			if _, err := tr.Predict(feed.FromF32(make([]float32, 4*n), n, 4), false); err != nil {
				t.Fatal(err)
			}
		case kind == 4:
			set, _ := s.Data(Ref{Source: "digits"})
			if tr.Spec().Data.XShape()[0] == 4 {
				set, _ = s.Data(mine)
			}
			if _, _, err := tr.Evaluate(context.Background(), set); err != nil {
				t.Fatal(err)
			}
		case kind == 5:
			sum(t, s, 1+rng.IntN(100))
		case kind == 6:
			if err := tr.Reset(); err != nil {
				t.Fatal(err)
			}
		}
		audit(t, c, inner)
	}
	for _, s := range sessions {
		for _, tr := range s.Trainers() {
			if err := s.Drop(tr.Name()); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.computed.clear()
	for _, s := range sessions {
		if err := s.Drop("mine"); err != nil {
			t.Fatal(err)
		}
	}
	c.shed()
	if u := c.memory().Usage(); u.Live != 0 || u.Host != 0 || len(u.Uses) != 0 {
		t.Errorf("nobody holds anything, and yet %+v", u)
	}
	if u := c.memory().Usage(); u.Hits < u.Misses {
		t.Errorf("the cache had %d of %d buffers", u.Hits, u.Hits+u.Misses)
	}
}

// Predictions of ever new numbers of rows need a handful of programs.
func TestPredictionsDoNotPileUp(t *testing.T) {
	c, s := session(t)
	tr := declare(t, s, iris(t, s, "a", 0.1), false, "created")
	var after pool.Use
	for n := range 300 {
		if _, err := tr.Predict(feed.FromF32(make([]float32, 4*(n+1)), n+1, 4), false); err != nil {
			t.Fatal(err)
		}
		if n == 127 {
			after = c.memory().Of(tr.owner)
		}
	}
	if u := c.memory().Of(tr.owner); u.Bytes != after.Bytes || u.Programs != after.Programs || u.Programs > 8 {
		t.Errorf("%+v, and after half of them %+v", u, after)
	}
}

// What is held for those who are gone is told, and nothing else; names are those
// of today.
func TestLeaksAreFound(t *testing.T) {
	c, s := session(t)
	upload(t, s)
	spec := iris(t, s, "a", 0.1)
	spec.Valid, _ = s.Data(mine)
	tr := declare(t, s, spec, false, "created")
	finish(t, tr, 1)
	sum(t, s, 3)
	if _, err := s.Rename("a", "b"); err != nil {
		t.Fatal(err)
	}
	gone := func() (list []string) {
		for _, h := range c.Memory().Holdings {
			if h.Gone {
				list = append(list, h.Owner.Name)
			}
		}
		return list
	}
	if list := gone(); len(list) != 0 || c.Memory().Holdings[0].Owner.Name == "a" {
		t.Errorf("%v are said to be gone: %+v", list, c.Memory().Holdings)
	}
	dev := c.Device()
	old, err := backend.For(dev, backend.Owner{Kind: "trainer", Session: "notebook", Name: "old", Number: 99}).Alloc(10)
	if err != nil {
		t.Fatal(err)
	}
	data, err := feed.Upload(dev, must(s.Data(Ref{Source: "digits"})))
	if err != nil {
		t.Fatal(err)
	}
	if list := gone(); len(list) != 2 || list[0] != "digits" || list[1] != "old" {
		t.Errorf("%v are said to be gone, want digits and old", list)
	}
	if _, release, err := s.Use("b"); err != nil || len(gone()) != 0 {
		t.Errorf("%v: a trainer in use may have what is said to be gone", err)
	} else {
		release()
	}
	old.Free()
	data.Release()
	if list := gone(); len(list) != 0 {
		t.Errorf("%v are said to be gone", list)
	}
}

func must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}
