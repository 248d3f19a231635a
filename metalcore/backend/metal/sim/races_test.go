//go:build linux

package sim

import (
	"os"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// TestRaces: each kernel of races.metal races, or does not, as its name says, in whatever order its threads run.
func TestRaces(t *testing.T) {
	text, err := os.ReadFile("testdata/races.metal")
	if err != nil {
		t.Fatal(err)
	}
	l, err := CompileWatched(string(text))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"race_shared_read":  "of a threadgroup's array of 128 bytes",
		"race_shared_again": "of a threadgroup's array of 128 bytes",
		"race_flags":        "of a threadgroup use byte",
		"race_groups":       "two threadgroups use byte",
		"race_group_reads":  "two threadgroups use byte 20 of buffer 0",
		"race_same_value":   "of a threadgroup use byte",
		"race_shuffle":      "of a threadgroup's array of 128 bytes",
		"ok_shared":         "",
		"ok_device":         "",
		"ok_simd":           "",
		"ok_bytes":          "",
		"ok_atomic":         "",
	}
	if len(l.kernels) != len(want) {
		t.Errorf("%d kernels, and the test knows %d", len(l.kernels), len(want))
	}
	for name, cause := range want {
		for order := range uint64(6) {
			ptrs, _ := bind(t, make([]float32, 64), make([]float32, 64))
			err := l.Kernel(name).Run(&Launch{Grid: [3]int{64, 1, 1}, Threads: [3]int{32, 1, 1}, Buffers: ptrs, Order: order})
			if cause == "" && err != nil {
				t.Errorf("%s, order %d: %v", name, order, err)
			}
			if cause != "" {
				wantRunError(t, err, name, "a race: ")
				wantRunError(t, err, name, cause)
			}
		}
	}
}

// TestDispatchRaces: two dispatches that use a buffer need a barrier if one writes, whichever runs first.
func TestDispatchRaces(t *testing.T) {
	for seed := range uint64(6) {
		r := newRig(t, Options{Seed: seed, Watch: true})
		for _, c := range []struct {
			what    string
			barrier bool
			first   *gpu.Dispatch
			second  *gpu.Dispatch
			races   bool
		}{
			{"write, then read", false, dispatch(r.fill, r.x), dispatch(r.twice, r.x, r.y), true},
			{"write, barrier, read", true, dispatch(r.fill, r.x), dispatch(r.twice, r.x, r.y), false},
			{"two writes", false, dispatch(r.fill, r.x), dispatch(r.fill, r.x), true},
			{"two buffers", false, dispatch(r.fill, r.x), dispatch(r.fill, r.y), false},
			{"read, then write", false, dispatch(r.twice, r.x, r.y), dispatch(r.fill, r.x), true},
		} {
			err := r.commit(t, func(rec gpu.Recording) {
				rec.Dispatch(c.first)
				if c.barrier {
					rec.Barrier()
				}
				rec.Dispatch(c.second)
			})
			if c.races && (err == nil || !strings.Contains(err.Error(), "a race: this kernel and ") || !strings.Contains(err.Error(), "dispatched before")) {
				t.Errorf("seed %d, %s: %v", seed, c.what, err)
			}
			if !c.races && err != nil {
				t.Errorf("seed %d, %s: %v", seed, c.what, err)
			}
		}
		r.close(t)
	}
}
