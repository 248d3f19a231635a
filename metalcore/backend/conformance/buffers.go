package conformance

import (
	"bytes"
	"strings"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

func (s *suite) buffers(t T) {
	if info := s.dev.Info(); info.Name == "" || info.Kind == "" {
		t.Errorf("the device has no name or kind: %+v", info)
	}
	t.Run("copy", s.bufferCopy)
	t.Run("bounds", s.bufferBounds)
	t.Run("sizes", s.bufferSizes)
	t.Run("bindings", s.bindings)
	t.Run("unsupported", s.unsupported)
}

func (s *suite) alloc(t T, n int64) backend.Buffer {
	t.Helper()
	b, err := s.dev.Alloc(n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s *suite) bufferCopy(t T) {
	b := s.alloc(t, 11)
	defer b.Free()
	got := make([]byte, 11)
	if err := b.Download(0, got); err != nil || !bytes.Equal(got, make([]byte, 11)) {
		t.Errorf("a new buffer holds %v, %v; want zeros", got, err)
	}
	if err := b.Upload(3, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	part := make([]byte, 4)
	if err := b.Download(4, part); err != nil || string(part) != "ello" {
		t.Errorf("got %q, %v; want ello", part, err)
	}
}

func (s *suite) bufferBounds(t T) {
	b := s.alloc(t, 8)
	for _, c := range []struct {
		offset int64
		n      int
	}{{0, 9}, {8, 1}, {9, 0}, {-1, 1}, {1 << 62, 4}, {-1 << 62, 4}} {
		if err := b.Upload(c.offset, make([]byte, c.n)); err == nil {
			t.Errorf("upload of %d bytes at %d into 8 bytes did not fail", c.n, c.offset)
		}
		if err := b.Download(c.offset, make([]byte, c.n)); err == nil {
			t.Errorf("download of %d bytes at %d from 8 bytes did not fail", c.n, c.offset)
		}
	}
	if err := b.Upload(8, nil); err != nil {
		t.Errorf("upload of nothing at the end: %v", err)
	}
	b.Free()
	b.Free()
	if err := b.Upload(0, []byte{1}); err == nil {
		t.Error("upload into a freed buffer did not fail")
	}
}

func (s *suite) bufferSizes(t T) {
	for _, n := range []int64{-1, 1 << 50, 1<<63 - 1} {
		if b, err := s.dev.Alloc(n); err == nil {
			b.Free()
			t.Errorf("allocating %d bytes did not fail", n)
		}
	}
	empty := s.alloc(t, 0)
	defer empty.Free()
	if empty.Len() != 0 {
		t.Errorf("an empty buffer has %d bytes", empty.Len())
	}
}

// bindings that do not fit the program are errors of the run.
func (s *suite) bindings(t T) {
	p, err := plan.New(graphOf(op.Exp(f32("x", 4))))
	if err != nil {
		t.Fatal(err)
	}
	exe, err := s.dev.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	in, out, small, freed := s.alloc(t, 16), s.alloc(t, 16), s.alloc(t, 12), s.alloc(t, 16)
	freed.Free()
	defer in.Free()
	defer out.Free()
	defer small.Free()
	list := func(b ...backend.Buffer) []backend.Buffer { return b }
	for _, c := range []struct {
		name, want string
		b          backend.Bindings
		steps      int
	}{
		{"no output", "outputs", backend.Bindings{Inputs: list(in)}, 1},
		{"too many inputs", "inputs", backend.Bindings{Inputs: list(in, in), Outputs: list(out)}, 1},
		{"small", "x", backend.Bindings{Inputs: list(small), Outputs: list(out)}, 1},
		{"small output", "y", backend.Bindings{Inputs: list(in), Outputs: list(small)}, 1},
		{"freed", "freed", backend.Bindings{Inputs: list(freed), Outputs: list(out)}, 1},
		{"nil", "x", backend.Bindings{Inputs: list(nil), Outputs: list(out)}, 1},
		{"shared", "shares", backend.Bindings{Inputs: list(in), Outputs: list(in)}, 1},
		{"negative steps", "-1", backend.Bindings{Inputs: list(in), Outputs: list(out)}, -1},
	} {
		if err := exe.Submit(c.b, c.steps).Wait(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	good := backend.Bindings{Inputs: list(in), Outputs: list(out)}
	if err := exe.Submit(good, 3).Wait(); err != nil {
		t.Errorf("a good run after bad ones: %v", err)
	}
	exe.Free()
	exe.Free()
	if err := exe.Submit(good, 1).Wait(); err == nil {
		t.Error("a run of a freed program did not fail")
	}
}

func (s *suite) unsupported(t T) {
	v := &ir.Value{Op: "no_such_op", In: []*ir.Value{f32("x", 2)}, Shape: ir.Shape{2}, DType: ir.F32, Layer: "Dense"}
	p, err := plan.New(graphOf(v))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.dev.Compile(p)
	if e, ok := err.(*backend.UnsupportedError); !ok || e.Op != "no_such_op" || e.Layer != "Dense" {
		t.Errorf("compiling an unknown op gives %v, want an *UnsupportedError that names op and layer", err)
	}
}
