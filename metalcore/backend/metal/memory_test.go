//go:build linux

package metal

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/fake"
)

func TestMemory(t *testing.T) {
	d := open(t, Options{})
	for _, n := range []int64{1, 255, 256, 257, smallBytes, smallBytes + 1, 3 << 20} {
		m, err := d.Alloc(n)
		if err != nil {
			t.Fatal(err)
		}
		if m.Len() != n {
			t.Errorf("%d bytes have %d", n, m.Len())
		}
		full := bytes.Repeat([]byte{7}, int(n))
		if err := m.Upload(0, full); err != nil {
			t.Error(err)
		}
		got := make([]byte, n)
		if err := m.Download(0, got); err != nil || !bytes.Equal(got, full) {
			t.Errorf("%d bytes: %v", n, err)
		}
		for why, err := range map[string]error{
			"upload of 2 bytes":   m.Upload(n-1, make([]byte, 2)),
			"at offset -1":        m.Upload(-1, make([]byte, 1)),
			"download of 1 bytes": m.Download(n, make([]byte, 1)),
		} {
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: %v", why, err)
			}
		}
		m.Free()
		if err := m.Upload(0, full); err == nil || !strings.Contains(err.Error(), "freed") {
			t.Error(err)
		}
		again, err := d.Alloc(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Download(0, got); err != nil || !bytes.Equal(got, make([]byte, n)) {
			t.Errorf("%d bytes are not zero: %v", n, err)
		}
		again.Free()
	}
}

func TestSmallMemoryShares(t *testing.T) {
	d := open(t, Options{})
	var list []gpu.Memory
	for range slabBytes / 1024 {
		list = append(list, alloc(t, d, 1000))
	}
	if s := d.Stats(); s.Buffers != 1 || s.Bytes != slabBytes {
		t.Errorf("%+v", s)
	}
	list = append(list, alloc(t, d, 1))
	if s := d.Stats(); s.Buffers != 2 {
		t.Errorf("%+v", s)
	}
	for _, m := range list {
		m.Free()
	}
	if s := d.Stats(); s.Buffers != 1 {
		t.Errorf("%+v after all is freed", s)
	}
}

func TestMemoryRefused(t *testing.T) {
	d := open(t, Options{}, "maxBuffer", 8<<20, "workingSet", 20<<20)
	refused := func(why string, bytes int64) {
		t.Helper()
		m, err := d.Alloc(bytes)
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%d bytes: %v, %v; want %q", bytes, m, err, why)
		}
	}
	refused("cannot allocate 0 bytes", 0)
	refused("cannot allocate -1 bytes", -1)
	refused("a buffer of this GPU has at most 8388608", 8<<20+1)
	alloc(t, d, 8<<20)
	alloc(t, d, 8<<20)
	refused("16777216 of the 19922944 that this GPU should use are in use", 4<<20)
	fake.Fault("alloc", 0, 1)
	refused("the system has no buffer of 1048576 bytes left", 1<<20)
	fake.Fault("alloc", 0, 1)
	refused("the system has no buffer of 1048576 bytes left", 1) // of the slab
	alloc(t, d, 1<<20)
}

func TestWrap(t *testing.T) {
	d := open(t, Options{}, "maxBuffer", 16*os.Getpagesize())
	page := os.Getpagesize()
	pages, err := syscall.Mmap(-1, 0, 2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(pages)
	m, err := d.Wrap(pages)
	if err != nil {
		t.Fatal(err)
	}
	p := build(t, d, "increment")[0]
	if err := execute(d, func(r gpu.Recording) { r.Dispatch(dispatch(p, 4, gpu.Span{Memory: m})) }); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pages[:16], bytesOf([]float32{1, 1, 1, 1})) {
		t.Error(pages[:16])
	}
	m.Free()
	for why, bad := range map[string][]byte{
		"are not whole pages": pages[:page+1],
		"0 bytes":             nil,
		"not whole":           pages[16 : page+16],
		"are more than":       make([]byte, 17*page),
	} {
		if len(bad) > 2*page { // it has to begin at a page
			if bad, err = syscall.Mmap(-1, 0, len(bad), syscall.PROT_READ, syscall.MAP_ANON|syscall.MAP_PRIVATE); err != nil {
				t.Fatal(err)
			}
			defer syscall.Munmap(bad)
		}
		if _, err := d.Wrap(bad); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

// TestSpace takes and gives at random, and looks for parts that overlap.
func TestSpace(t *testing.T) {
	const size = 64 * alignment
	s := newSpace(size)
	r := rand.New(rand.NewPCG(1, 2))
	var taken []extent
	for range 10000 {
		if i := len(taken); i > 0 && r.IntN(2) == 0 {
			i = r.IntN(i)
			s.give(taken[i].at, taken[i].bytes)
			taken = slices.Delete(taken, i, i+1)
			continue
		}
		n := r.Int64N(10*alignment) + 1
		at, ok := s.take(n)
		if !ok {
			continue
		}
		if at%alignment != 0 || at < 0 || at+n > size {
			t.Fatalf("%d bytes at %d", n, at)
		}
		for _, e := range taken {
			if at < e.at+aligned(e.bytes) && e.at < at+aligned(n) {
				t.Fatalf("%d bytes at %d and %d at %d", n, at, e.bytes, e.at)
			}
		}
		taken = append(taken, extent{at, n})
	}
	for _, e := range taken {
		s.give(e.at, e.bytes)
	}
	if !s.empty() {
		t.Errorf("%v is left", s.free)
	}
	if at, ok := s.take(size); !ok || at != 0 {
		t.Error("the whole is not one")
	}
}
