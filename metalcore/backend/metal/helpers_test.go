package metal

import (
	"testing"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

func alloc(t testing.TB, d *Driver, bytes int64) gpu.Memory {
	t.Helper()
	m, err := d.Alloc(bytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Free)
	return m
}

// execute records and runs.
func execute(d *Driver, record func(r gpu.Recording)) error {
	r, err := d.Begin()
	if err != nil {
		return err
	}
	record(r)
	done := make(chan error, 1)
	r.Commit(func(err error) { done <- err })
	return <-done
}

func upload(t testing.TB, m gpu.Memory, offset int64, v []float32) {
	t.Helper()
	if err := m.Upload(offset, bytesOf(v)); err != nil {
		t.Fatal(err)
	}
}

func download(t testing.TB, m gpu.Memory, offset int64, n int) []float32 {
	t.Helper()
	v := make([]float32, n)
	if err := m.Download(offset, bytesOf(v)); err != nil {
		t.Fatal(err)
	}
	return v
}

func bytesOf(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

// ramp is 1, 2, 3, ...
func ramp(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i + 1)
	}
	return v
}

func dispatch(p gpu.Pipeline, n int, spans ...gpu.Span) *gpu.Dispatch {
	return &gpu.Dispatch{Pipeline: p, Buffers: spans, Groups: [3]int{n, 1, 1}, Threads: 1}
}
