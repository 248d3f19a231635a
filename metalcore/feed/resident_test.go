package feed_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/feed"
)

// counting is a device that only allocates, and counts what is alive.
type counting struct {
	backend.Device
	mu     sync.Mutex
	allocs int
	live   int64
	failAt int // the allocation that fails
}

type buffer struct {
	dev *counting
	mem []byte
}

var errFull = errors.New("out of memory")

func (d *counting) Alloc(n int64) (backend.Buffer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.allocs++; d.allocs == d.failAt {
		return nil, errFull
	}
	d.live += n
	return &buffer{d, make([]byte, n)}, nil
}

func (b *buffer) Len() int64                        { return int64(len(b.mem)) }
func (b *buffer) Upload(at int64, src []byte) error { copy(b.mem[at:], src); return nil }
func (b *buffer) Download(at int64, dst []byte) error {
	copy(dst, b.mem[at:])
	return nil
}

func (b *buffer) Free() {
	b.dev.mu.Lock()
	defer b.dev.mu.Unlock()
	b.dev.live -= int64(len(b.mem))
}

func TestUploadIsShared(t *testing.T) {
	dev, set := &counting{}, builtin(t, "iris")
	var wg sync.WaitGroup
	uses := make([]*feed.Resident, 8)
	for i := range uses {
		wg.Add(1)
		go func() {
			defer wg.Done()
			uses[i], _ = feed.Upload(dev, set)
		}()
	}
	wg.Wait()
	if dev.live != set.Bytes() || uses[0] != uses[7] {
		t.Errorf("%d bytes are on the device, the set has %d", dev.live, set.Bytes())
	}
	got := make([]byte, len(set.Y.Data))
	if err := uses[0].Table(0).Y.Download(0, got); err != nil || string(got) != string(set.Y.Data) {
		t.Errorf("the labels came out different: %v", err)
	}
	for i, r := range uses {
		if dev.live == 0 {
			t.Fatalf("freed after %d of %d releases", i, len(uses))
		}
		r.Release()
	}
	if dev.live != 0 {
		t.Errorf("%d bytes are left", dev.live)
	}
	again, err := feed.Upload(dev, set)
	if err != nil || dev.live != set.Bytes() {
		t.Errorf("after the last release it cannot be uploaded again: %v", err)
	}
	again.Release()
}

func TestFailedUploadLeavesNothing(t *testing.T) {
	dev := &counting{failAt: 2}
	if _, err := feed.Upload(dev, builtin(t, "iris")); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
	if dev.live != 0 {
		t.Errorf("%d bytes are left", dev.live)
	}
}
