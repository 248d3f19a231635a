//go:build linux

package metal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/fake"
)

// wantRunError wants the error of a kernel, "" for an unknown one.
func wantRunError(t *testing.T, err error, kernel, cause string) {
	t.Helper()
	var run *gpu.RunError
	if !errors.As(err, &run) || run.Kernel != kernel || !strings.Contains(run.Cause, cause) {
		t.Errorf("%v; want kernel %q and %q", err, kernel, cause)
	}
}

func TestCommandBufferFails(t *testing.T) {
	d := open(t, Options{})
	p := build(t, d, "increment", "double")
	x := alloc(t, d, 4)
	work := func(r gpu.Recording) {
		r.Dispatch(dispatch(p[0], 1, gpu.Span{Memory: x}))
		r.Barrier()
		r.Dispatch(dispatch(p[1], 1, gpu.Span{Memory: x}))
	}
	fake.Fault("commit", 2, 2) // the third and the fourth
	for range 2 {
		if err := execute(d, work); err != nil {
			t.Fatal(err)
		}
	}
	wantRunError(t, execute(d, work), "", "Caused GPU Timeout Error (MTLCommandBufferErrorDomain, code 2)")
	wantRunError(t, execute(d, work), "double", "Timeout") // after a failure kernels are told apart
	if err := execute(d, work); err != nil {
		t.Errorf("after the failure: %v", err)
	}
}

func TestKernelFails(t *testing.T) {
	d := open(t, Options{Diagnose: true})
	p := build(t, d, "increment", "crash")
	x := alloc(t, d, 4)
	err := execute(d, func(r gpu.Recording) {
		r.Dispatch(dispatch(p[0], 1, gpu.Span{Memory: x}))
		r.Barrier()
		r.Dispatch(dispatch(p[1], 1, gpu.Span{Memory: x}))
		r.Barrier()
		r.Dispatch(dispatch(p[0], 1, gpu.Span{Memory: x}))
	})
	wantRunError(t, err, "crash", "an access out of bounds")
	if got := download(t, x, 0, 1)[0]; got != 1 {
		t.Errorf("what came after the failure ran, too: %v", got)
	}
	if s := fake.Errors(); !strings.Contains(s, "kernel crash: an access out of bounds") {
		t.Error(s)
	}
}

func TestDeviceLost(t *testing.T) {
	d := open(t, Options{})
	p := build(t, d, "increment")[0]
	x := alloc(t, d, 4)
	work := func(r gpu.Recording) { r.Dispatch(dispatch(p, 1, gpu.Span{Memory: x})) }
	begun, err := d.Begin()
	if err != nil {
		t.Fatal(err)
	}
	fake.Fault("lost", 1, 1)
	if err := execute(d, work); err != nil {
		t.Fatal(err)
	}
	wantRunError(t, execute(d, work), "", "the GPU is gone")
	_, err = d.Begin()
	wantRunError(t, err, "", "restart the core")
	work(begun) // one that had begun fails as well
	done := make(chan error, 1)
	begun.Commit(func(err error) { done <- err })
	wantRunError(t, <-done, "", "the GPU is gone")
	if m, err := d.Alloc(4); err != nil { // what lives can be read and freed
		t.Error(err)
	} else {
		m.Free()
	}
}

func TestSystemGivesNothing(t *testing.T) {
	d := open(t, Options{})
	p := build(t, d, "increment")[0]
	x := alloc(t, d, 4)
	work := func(r gpu.Recording) { r.Dispatch(dispatch(p, 1, gpu.Span{Memory: x})) }
	fake.Fault("commandBuffer", 0, 1)
	wantRunError(t, execute(d, work), "", "no command buffer")
	fake.Fault("encoder", 0, 1)
	wantRunError(t, execute(d, work), "", "no encoder")
	if err := execute(d, work); err != nil {
		t.Error(err)
	}
	if err := execute(d, func(gpu.Recording) {}); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
	fake.Fault("residency", 0, 1)
	without, err := Open(Options{Libraries: libraries(t)})
	if err != nil {
		t.Fatal(err)
	}
	if without.residency.set.Object != 0 || d.residency.set.Object == 0 {
		t.Error("the residency sets are not as they should be")
	}
	if err := without.Close(); err != nil {
		t.Error(err)
	}
}

func TestCompileFails(t *testing.T) {
	d := open(t, Options{})
	fails := func(kernel, log, text string, names ...string) {
		t.Helper()
		list, err := d.Compile(text, names)
		var c *gpu.CompileError
		if !errors.As(err, &c) || c.Kernel != kernel || !strings.Contains(c.Log, log) || list != nil {
			t.Errorf("%v; want kernel %q and %q", err, kernel, log)
		}
	}
	fails("double", "undeclared", text("copy")+"kernel void double() {\n\tundeclared;\n}\n"+text("increment"), "copy", "double", "increment")
	fails("", "undeclared", "undeclared;\n"+text("copy"), "copy")
	fails("missing", "no kernel of this name", text("copy"), "copy", "missing")
	fake.Fault("pipeline", 1, 1)
	if _, err := d.Compile(text("copy", "double"), []string{"copy", "double"}); err == nil || !strings.Contains(err.Error(), "stack space") {
		t.Error(err)
	}
	fake.Fault("compile", 0, 1)
	fails("copy", "injected", text("copy"), "copy")
	if s := d.Stats(); s.Pipelines != 0 {
		t.Errorf("%+v", s)
	}
}

// TestArchive opens one driver after the other over one folder. The system
// compiles nothing where the archive has it.
func TestArchive(t *testing.T) {
	l := prepare(t)
	dir := filepath.Join(t.TempDir(), "cache")
	use := func(compiles bool) {
		t.Helper()
		d, err := Open(Options{Libraries: l, Cache: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if compiles {
			fake.Fault("pipeline", 0, 0)
		} else {
			fake.Fault("pipeline", 0, -1)
		}
		list, err := d.Compile(text("copy", "double"), []string{"copy", "double"})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			p.Free()
		}
	}
	file := filepath.Join(dir, "kernels-Fake-GPU.metalarchive")
	use(true)
	use(false)
	if err := os.WriteFile(file, []byte("corrupt"), 0o600); err != nil {
		t.Fatal(err)
	}
	use(true)
	use(false)
	fake.Knob("family", 1010) // the file is another GPU's
	use(true)
	use(false)
	if err := os.Truncate(file, largestArchive+1); err != nil {
		t.Fatal(err)
	}
	use(true)
	use(false)

	// Where it cannot be kept, all works without.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	fake.Fault("archive", 0, -1)
	use(true)
	fake.Reset()
	fake.Fault("serialize", 0, -1)
	use(true)
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	fake.Reset()
	dir = filepath.Join(file, "nowhere")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	use(true)
}
