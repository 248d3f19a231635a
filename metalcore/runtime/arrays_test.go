package runtime

import (
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// zeros is an upload of so many bytes in x.
func zeros(s *Session, name string, bytes int) error {
	rows := bytes / 4000
	return s.PutData(name, name, feed.FromF32(make([]float32, 1000*rows), rows, 1000), feed.FromF32(make([]float32, rows), rows), nil)
}

// hostOf is what an owner holds in arrays.
func hostOf(c *Core, kind, name string) int64 {
	for _, u := range c.memory().Usage().Uses {
		if u.Owner.Kind == kind && u.Owner.Name == name {
			return u.Host
		}
	}
	return 0
}

// Arrays of the host count below the limit of a device that works in its memory.
// For one more, what can be had again goes first, then trainers sleep, and then it
// is refused, with the names of those that hold most.
func TestArraysCount(t *testing.T) {
	c, s, _, _ := small(t, 8<<20)
	tr := declareText(t, s, "t0", "0.01 iris", "created")
	use(t, s, "t0", func(tr *Trainer) { finish(t, tr, 1) })
	waitFor(t, "the snapshot", func() bool { return tr.kept.snapshot() != nil && hostOf(c, "trainer", "t0") > 0 })
	if got, want := hostOf(c, "trainer", "t0"), tr.kept.snapshot().Bytes(); got != want {
		t.Errorf("the states to go back to are counted as %d bytes, and have %d", got, want)
	}
	g := ir.NewGraph("", []ir.Output{{Name: "y", Value: op.Exp(ir.Input("x", ir.F32, 1000))}}, nil)
	if _, err := s.Compute(g, map[string]feed.Array{"x": feed.FromF32(make([]float32, 1000), 1000)}, "kept"); err != nil {
		t.Fatal(err)
	}
	if n := hostOf(c, "tensor", "kept"); n != 4000 {
		t.Errorf("a kept tensor of 4000 bytes counts as %d", n)
	}
	if err := zeros(s, "big", 4_000_000); err != nil {
		t.Fatal(err)
	}
	if n := hostOf(c, "data", "big"); n != 4_004_000 {
		t.Errorf("data of 4004000 bytes count as %d", n)
	}
	c.reclaim(0, backend.Owner{}) // computations, so that they are not in the way below
	c.memory().Trim()
	waitFor(t, "the journal", func() bool { return !c.Saving() })
	free := c.memory().Limit - inUse(c)
	if err := c.admit(free+1, backend.Owner{}); err != nil {
		t.Fatal(err)
	}
	if tr.kept.snapshot() != nil || len(s.Asleep()) != 0 {
		t.Errorf("the states on the disk are there, too, or %v sleep", s.Asleep())
	}
	if err := c.admit(c.memory().Limit-inUse(c)+1, backend.Owner{}); err != nil || len(s.Asleep()) != 1 {
		t.Errorf("%v sleep, %v", s.Asleep(), err)
	}
	err := zeros(s, "more", 5_000_000)
	fails(t, err, Resource, "5.0 MB more are needed", `data "big" of notebook (4.0 MB)`, `nb.Drop(name): the largest are "big"`, "METALNB_MEMORY")
	if s.HasData("more", "more") {
		t.Error("what was refused is kept")
	}
	use(t, s, "t0", func(tr *Trainer) { finish(t, tr, 1) })
	for _, name := range []string{"big", "kept"} {
		if err := s.Drop(name); err != nil {
			t.Fatal(err)
		}
	}
	fails(t, s.Drop("kept"), Unknown, `no trainer "kept"`)
	if err := zeros(s, "more", 5_000_000); err != nil {
		t.Error(err)
	}
}

// apart is a device with memory of its own.
type apart struct{ *cpu.Device }

func (a apart) Info() backend.Info {
	i := a.Device.Info()
	i.Unified = false
	return i
}

// Beside a device that has memory of its own, arrays are told and do not count.
func TestArraysBesideADevice(t *testing.T) {
	c := New(apart{cpu.New(1)})
	defer c.Close()
	c.Bound(MemoryOptions{Limit: 1 << 20})
	s, _ := c.Join("notebook")
	if err := zeros(s, "big", 4_000_000); err != nil {
		t.Fatal(err)
	}
	if u := c.memory().Usage(); u.Unified || u.Host != 4_004_000 || u.Live != 0 {
		t.Errorf("%+v", u)
	}
}

// A trainer that has given up its states to go back to goes back to them, or to what
// it was when its last training began.
func TestStatesToGoBackToComeBack(t *testing.T) {
	s, _, _ := journaled(t, t.TempDir(), time.Hour)
	upload(t, s)
	tr := keptTrainer(t, s, "0.01 mine", "created")
	finish(t, tr, 1)
	waitFor(t, "the file", func() bool { return tr.shed() })
	if tr.kept.snapshot() != nil || tr.shed() {
		t.Error("the states are there")
	}
	step := tr.Info().Step
	tr.guard()
	if was := tr.kept.snapshot(); was == nil || was.Step != step {
		t.Errorf("a training would go back to %v", was)
	}
}
