//go:build linux

package cuda

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// rig is a driver with a kernel that doubles one number and adds another one.
type rig struct {
	*driver
	t      *testing.T
	kernel gpu.Pipeline
	x      gpu.Memory
}

func newRig(t *testing.T, d *driver) *rig {
	k := gpu.Kernel{Name: "double_and_add", Threads: 32, Params: []gpu.Param{{Name: "x", DType: ir.I32, Write: true}, {Name: "y", DType: ir.I32}},
		Body: "\tif (local == 0u) x[0] = i_add(i_mul(x[0], 2), y[0]);\n"}
	p, err := d.Compile(gpu.CUDA{}.Render([]gpu.Kernel{k}), []string{k.Name})
	if err != nil {
		t.Fatal(err)
	}
	x, err := d.Alloc(256)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{d, t, p[0], x}
}

// put and get are the number at a place.
func (r *rig) put(at int64, x uint32) {
	if err := r.x.Upload(4*at, binary.LittleEndian.AppendUint32(nil, x)); err != nil {
		r.t.Error(err)
	}
}

func (r *rig) get(at int64) uint32 {
	var b [4]byte
	if err := r.x.Download(4*at, b[:]); err != nil {
		r.t.Error(err)
	}
	return binary.LittleEndian.Uint32(b[:])
}

// run commits launches of so many threads, each of which adds the number at a
// place to that at 0.
func (r *rig) run(threads int, places ...int64) error {
	rec, err := r.Begin()
	if err != nil {
		return err
	}
	for _, at := range places {
		rec.Dispatch(&gpu.Dispatch{Pipeline: r.kernel, Groups: [3]int{1, 1, 1}, Threads: threads,
			Buffers: []gpu.Span{{Memory: r.x}, {Memory: r.x, Offset: 4 * at}}})
	}
	done := make(chan error)
	rec.Commit(func(err error) { done <- err })
	return <-done
}

// TestDriver needs a GPU, like TestConformance.
func TestDriver(t *testing.T) {
	d, err := newDriver()
	if err != nil {
		if _, ok := errors.AsType[*backend.UnavailableError](err); !ok {
			t.Fatalf("error %v, want a *backend.UnavailableError", err)
		}
		return
	}
	r := newRig(t, d)
	for at, x := range []uint32{0, 1, 5, 7} {
		r.put(int64(at), x)
	}
	want := uint32(0)
	for _, places := range [][]int64{{1}, {2, 3}, {1, 2, 1, 2, 1, 2}, {1, 2}, {3}, {1, 2, 1, 2}, {3, 1, 2}, {3, 1, 2}, {3, 1, 2}} {
		if err := r.run(32, places...); err != nil {
			t.Fatal(err)
		}
		for _, at := range places {
			want = 2*want + []uint32{0, 1, 5, 7}[at]
		}
		if got := r.get(0); got != want {
			t.Fatalf("after %v: %d, want %d", places, got, want)
		}
	}
	for range 2 {
		err = r.run(1<<20, 1)
		if e, ok := errors.AsType[*gpu.RunError](err); !ok || e.Kernel != "double_and_add" {
			t.Errorf("too many threads: error %v, want a *gpu.RunError that names the kernel", err)
		}
	}
	if err := r.run(32, 1); err != nil || r.get(0) != 2*want+1 {
		t.Errorf("a good run after a failed one: %d, %v, want %d", r.get(0), err, 2*want+1)
	}
	if m, err := d.Alloc(1 << 50); err == nil {
		m.Free()
		t.Error("2^50 bytes were allocated")
	}
	r.kernel.Free()
	r.kernel.Free()
	r.x.Free()
	if err := d.Close(); err != nil || len(d.graphs) > 0 {
		t.Errorf("%v, %d graphs are left", err, len(d.graphs))
	}
	if _, err := d.Begin(); err == nil {
		t.Error("a closed driver begins a recording")
	}
}
