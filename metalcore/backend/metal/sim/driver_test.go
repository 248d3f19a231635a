//go:build linux

package sim

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

var _ gpu.Driver = (*Driver)(nil)

const steps = `#include <metal_stdlib>
using namespace metal;
static inline float twice(float x) { return 2.0 * x; }
kernel void fill(device float *y [[buffer(0)]], uint i [[thread_position_in_grid]]) { y[i] = i; }
kernel void twice_it(device const float *x [[buffer(0)]], device float *y [[buffer(1)]], uint i [[thread_position_in_grid]]) { y[i] = twice(x[i]); }
`

// rig is a driver with the kernels of steps, and two buffers.
type rig struct {
	*Driver
	fill, twice gpu.Pipeline
	x, y        gpu.Memory
}

func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Compile(steps, []string{"fill", "twice_it"})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Driver: d, fill: p[0], twice: p[1]}
	for _, m := range []*gpu.Memory{&r.x, &r.y} {
		if *m, err = d.Alloc(64 * 4); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// close frees all, and fails if something stays.
func (r *rig) close(t *testing.T) {
	t.Helper()
	for _, f := range []interface{ Free() }{r.fill, r.twice, r.x, r.y, r.x} {
		f.Free()
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func dispatch(p gpu.Pipeline, buffers ...gpu.Memory) *gpu.Dispatch {
	d := &gpu.Dispatch{Pipeline: p, Groups: [3]int{2, 1, 1}, Threads: 32}
	for _, m := range buffers {
		d.Buffers = append(d.Buffers, gpu.Span{Memory: m})
	}
	return d
}

// commit records and waits.
func (r *rig) commit(t *testing.T, record func(gpu.Recording)) error {
	t.Helper()
	rec, err := r.Begin()
	if err != nil {
		t.Fatal(err)
	}
	record(rec)
	done := make(chan error)
	rec.Commit(func(err error) { done <- err })
	return <-done
}

// values are what y has.
func (r *rig) values(t *testing.T) []float32 {
	t.Helper()
	raw, out := make([]byte, 64*4), make([]float32, 64)
	if err := r.y.Download(0, raw); err != nil {
		t.Fatal(err)
	}
	if _, err := binary.Decode(raw, binary.NativeEndian, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDriver(t *testing.T) {
	r := newRig(t, Options{Seed: 1})
	defer r.close(t)
	err := r.commit(t, func(rec gpu.Recording) {
		rec.Dispatch(dispatch(r.fill, r.x))
		rec.Barrier()
		rec.Dispatch(dispatch(r.twice, r.x, r.y))
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range r.values(t) {
		if v != float32(2*i) {
			t.Fatalf("y[%d] = %v", i, v)
		}
	}
	if m, p := r.Live(); m != 2 || p != 2 {
		t.Errorf("%d memories and %d pipelines are live, want 2 and 2", m, p)
	}
}

// TestMissingBarrierOfDispatches: without it, some seeds run the second dispatch first.
func TestMissingBarrierOfDispatches(t *testing.T) {
	outcomes := map[float32]int{}
	for seed := range uint64(16) {
		r := newRig(t, Options{Seed: seed})
		err := r.commit(t, func(rec gpu.Recording) {
			rec.Dispatch(dispatch(r.fill, r.x))
			rec.Dispatch(dispatch(r.twice, r.x, r.y))
		})
		if err != nil {
			t.Fatal(err)
		}
		outcomes[r.values(t)[9]]++
		r.close(t)
	}
	if outcomes[0] == 0 || outcomes[18] == 0 {
		t.Errorf("y[9] was %v; both 0 and 18 should come up", outcomes)
	}
}

func TestLeaks(t *testing.T) {
	r := newRig(t, Options{})
	r.x.Free()
	r.fill.Free()
	if err := r.Close(); err == nil || !strings.Contains(err.Error(), "1 memories and 1 pipelines") {
		t.Errorf("Close of a driver that leaks: %v", err)
	}
	if _, err := r.Alloc(4); err == nil {
		t.Error("a closed driver allocates")
	}
	if _, err := r.Begin(); err == nil {
		t.Error("a closed driver records")
	}
}

func TestMisuse(t *testing.T) {
	r := newRig(t, Options{MaxBuffer: 1 << 20, Memory: 2 << 20})
	defer r.close(t)
	freed, err := r.Alloc(256)
	if err != nil {
		t.Fatal(err)
	}
	freed.Free()
	dead, err := r.Compile(steps, []string{"fill"})
	if err != nil {
		t.Fatal(err)
	}
	dead[0].Free()
	big := dispatch(r.fill, r.x)
	big.Threads = 2048
	outside := dispatch(r.fill, r.x)
	outside.Buffers[0].Offset = 256
	behind := dispatch(r.fill, r.x)
	behind.Buffers[0].Offset = 4
	for _, c := range []struct {
		d     *gpu.Dispatch
		cause string
	}{
		{dispatch(r.twice, r.x), "buffer(1) is not bound"},
		{dispatch(r.twice, nil, r.y), "buffer(0) is not bound"},
		{dispatch(r.twice, freed, r.y), "buffer(0) was freed"},
		{dispatch(dead[0], r.x), "pipeline was freed"},
		{big, "a threadgroup of 2048 threads"},
		{outside, "begins at byte 256"},
		{behind, "out of bounds"},
	} {
		err := r.commit(t, func(rec gpu.Recording) { rec.Dispatch(c.d) })
		var e *gpu.RunError
		if !errors.As(err, &e) || !strings.Contains(e.Cause, c.cause) || e.Kernel == "" {
			t.Errorf("got %v, want %q", err, c.cause)
		}
	}
	for _, size := range []int64{0, -1, 1<<20 + 1} {
		if _, err := r.Alloc(size); err == nil {
			t.Errorf("%d bytes are allocated", size)
		}
	}
	if err := r.x.Upload(250, make([]byte, 8)); err == nil {
		t.Error("an upload beyond the end")
	}
	if err := freed.Download(0, make([]byte, 4)); err == nil {
		t.Error("a download of freed memory")
	}
	if _, err := r.Compile(steps, []string{"none"}); err == nil {
		t.Error("a kernel that is not there")
	}
	if err := r.commit(t, func(rec gpu.Recording) { rec.Dispatch(dispatch(r.fill, r.x)) }); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// TestInFlight: memory that is freed stays until the work that uses it has ended, and the host is kept off it.
func TestInFlight(t *testing.T) {
	r := newRig(t, Options{})
	defer r.close(t)
	rec, err := r.Begin()
	if err != nil {
		t.Fatal(err)
	}
	rec.Dispatch(dispatch(r.fill, r.x))
	r.x.Free()
	first, second := make(chan error), make(chan error)
	rec.Commit(func(err error) { first <- err })
	rec, err = r.Begin()
	if err != nil {
		t.Fatal(err)
	}
	rec.Dispatch(dispatch(r.fill, r.y))
	rec.Commit(func(err error) { second <- err }) // waits for the first, which waits for its receiver
	if err := r.y.Download(0, make([]byte, 4)); err == nil || !strings.Contains(err.Error(), "in flight") {
		t.Errorf("a download in flight: %v", err)
	}
	if err := errors.Join(<-first, <-second); err != nil {
		t.Error(err)
	}
	if got := r.values(t)[5]; got != 5 {
		t.Errorf("y[5] = %v", got)
	}
}

func TestFaults(t *testing.T) {
	r := newRig(t, Options{})
	defer r.close(t)
	r.Fail(Faults{Alloc: 2, Compile: 1, Commit: 2})
	var failed []int
	for i := range 4 {
		m, err := r.Alloc(16)
		if err != nil {
			failed = append(failed, i)
			continue
		}
		m.Free()
	}
	if !slices.Equal(failed, []int{1}) {
		t.Errorf("allocations %v failed, want the second", failed)
	}
	if _, err := r.Compile(steps, []string{"fill"}); err == nil {
		t.Error("the first Compile should fail")
	}
	p, err := r.Compile(steps, []string{"fill"})
	if err != nil {
		t.Fatal(err)
	}
	p[0].Free()
	fill := func(rec gpu.Recording) { rec.Dispatch(dispatch(r.fill, r.x)) }
	if first, second, third := r.commit(t, fill), r.commit(t, fill), r.commit(t, fill); first != nil || second == nil || third != nil {
		t.Errorf("commits ended with %v, %v, %v; want the second to fail", first, second, third)
	}
	r.Fail(Faults{Kernel: "fill"})
	wantRunError(t, r.commit(t, fill), "fill", "injected")
	r.Fail(Faults{})
	if err := r.commit(t, fill); err != nil {
		t.Error(err)
	}
}
