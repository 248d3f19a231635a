package remote

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// stream is a connection on which some bytes come, and which takes any.
type stream struct{ io.Reader }

func (stream) Write(b []byte) (int, error) { return len(b), nil }
func (stream) Close() error                { return nil }

// FuzzTunnel has a far machine send anything: no file is made but those of
// tensors, and none of them stays.
func FuzzTunnel(f *testing.F) {
	f.Add(frames(&wire.Chunk{File: "tensor-1", Data: []byte("1234")}, &wire.Tensors{List: []wire.Tensor{{DType: "f32", Shape: []int{1}, File: "tensor-1"}}}))
	f.Add(frames(&wire.Chunk{File: "../x", Data: []byte("1234")}, &wire.OK{}))
	f.Add(frames(&wire.Chunk{File: "tensor-1", Data: []byte("1")}, &wire.Chunk{File: "tensor-2", Data: []byte("2")}, &wire.Chunk{File: "tensor-1", Data: []byte("3")}, &wire.OK{}))
	dir, err := os.MkdirTemp("", "mnb-")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	place := wire.Place(filepath.Join(dir, "place"))
	if err := place.Make(); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		way := &tunnel{place: place, near: wire.NewConn(stream{}, wire.MaxFrame), far: wire.NewConn(stream{bytes.NewReader(data)}, 1<<20), limit: 1 << 20}
		way.refuse = func(p *wire.Problem) error { return way.far.Send(p) }
		if err := way.in(); err == nil {
			t.Error("the stream has no end")
		}
		way.tidy()
		if left, err := os.ReadDir(place.Exchange()); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
		for _, d := range []string{dir, string(place)} {
			if list, err := os.ReadDir(d); err != nil || len(list) != 1 {
				t.Errorf("there are %v in %s, %v", list, d, err)
			}
		}
	})
}
