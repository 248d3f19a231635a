package gpu

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// chained is a program of one step with two kernels, of which the second reads
// what the first wrote.
func chained(t *testing.T) *plan.Program {
	t.Helper()
	w := ir.State("w", ir.F32, ir.Shape{4096}, nil)
	x := ir.Input("x", ir.F32, 4096)
	y := op.Exp(w)
	y.Layer = "Dense"
	g := ir.NewGraph("test", []ir.Output{{Name: "y", Value: op.Mul(y, x)}}, []ir.Update{{State: w, New: op.Add(w, x)}})
	p, err := plan.New(g)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// prepared compiles the program and allocates what it is bound to.
func prepared(t *testing.T, d *Device) (backend.Executable, backend.Bindings) {
	t.Helper()
	exe, err := d.Compile(chained(t))
	if err != nil {
		t.Fatal(err)
	}
	var bufs []backend.Buffer
	for range 3 {
		b, err := d.Alloc(4 * 4096)
		if err != nil {
			t.Fatal(err)
		}
		bufs = append(bufs, b)
	}
	return exe, backend.Bindings{Inputs: bufs[:1], States: bufs[1:2], Outputs: bufs[2:]}
}

func release(exe backend.Executable, b backend.Bindings) {
	exe.Free()
	b.Inputs[0].Free()
	b.States[0].Free()
	b.Outputs[0].Free()
}

// gone checks that nothing is left of what a device was asked for.
func gone(t *testing.T, s *stub, d *Device) {
	t.Helper()
	if live := d.LiveBytes(); live != 0 || s.memories != 0 || s.inFlight != 0 {
		t.Errorf("%d bytes, %d memories and %d recordings are left", live, s.memories, s.inFlight)
	}
	if err := d.Close(); err != nil || s.pipelines != 0 {
		t.Errorf("%d pipelines are left behind Close (%v)", s.pipelines, err)
	}
}

func TestManyStepsAreFewRecordings(t *testing.T) {
	s := newStub()
	d := New(s, MSL{}, "")
	exe, b := prepared(t, d)
	const steps = 1000
	if err := exe.Submit(b, steps).Wait(); err != nil {
		t.Fatal(err)
	}
	kernels, barriers := 0, 0
	for _, line := range s.log {
		if line == "barrier" {
			barriers++
		} else {
			kernels++
		}
	}
	perStep := kernels / steps
	if kernels%steps != 0 || perStep < 2 || perStep > 3 {
		t.Errorf("%d dispatches in %d steps", kernels, steps)
	}
	if most := (kernels + recordingCalls - 1) / recordingCalls; s.begun != most {
		t.Errorf("%d recordings of %d dispatches, want %d", s.begun, kernels, most)
	}
	if barriers == 0 || s.mostAtOnce > recordingsInFlight {
		t.Errorf("%d barriers, %d recordings at once", barriers, s.mostAtOnce)
	}
	release(exe, b)
	gone(t, s, d)
}

// Programs in turns are recorded as if they were one.
func TestTurnsAreFewRecordings(t *testing.T) {
	s := newStub()
	d := New(s, MSL{}, "")
	one, a := prepared(t, d)
	two, b := prepared(t, d)
	runs := []backend.Run{{Executable: one, Bindings: a, Steps: 4}, {Executable: two, Bindings: b, Steps: 1}}
	const times = 100
	if err := backend.Repeat(runs, times).Wait(); err != nil {
		t.Fatal(err)
	}
	kernels := 0
	for _, line := range s.log {
		if line != "barrier" {
			kernels++
		}
	}
	each := 5 * len(one.(*executable).code.Calls)
	if whole := recordingCalls / each; kernels != times*each || s.begun != (times+whole-1)/whole {
		t.Errorf("%d recordings of %d dispatches in %d turns of %d", s.begun, kernels, times, each)
	}
	for _, c := range []struct {
		runs []backend.Run
		want string
	}{
		{[]backend.Run{runs[0], runs[1], runs[0]}, "in flight"},
		{[]backend.Run{runs[0], {Executable: two, Bindings: b, Steps: -2}}, "cannot run -2 steps"},
		{[]backend.Run{runs[0], {Executable: two, Steps: 1}}, "needs 1 inputs"},
		{[]backend.Run{runs[0], {Bindings: b, Steps: 1}}, "not one of this device"},
	} {
		if err := backend.Repeat(c.runs, 1).Wait(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if err := backend.Repeat(runs, 1).Wait(); err != nil {
		t.Errorf("good turns after bad ones: %v", err)
	}
	release(one, a)
	release(two, b)
	gone(t, s, d)
}

func TestFailedRecordingNamesTheLayer(t *testing.T) {
	s := newStub()
	s.hold = make(chan error, 100)
	d := New(s, MSL{}, "")
	exe, b := prepared(t, d)
	code := exe.(*executable).code
	s.hold <- nil
	s.hold <- &RunError{Kernel: code.Kernels[0].Name, Cause: "page fault"}
	close(s.hold)
	err := exe.Submit(b, 5000).Wait()
	var run *RunError
	if !errors.As(err, &run) || !strings.Contains(err.Error(), "of layer Dense") || !strings.Contains(err.Error(), "page fault") {
		t.Errorf("error %v, want one that names the layer and the cause", err)
	}
	if all := 5000 * len(code.Calls) / recordingCalls; s.begun > all/2 {
		t.Errorf("%d of %d recordings were begun although the second one failed", s.begun, all)
	}
	s.hold = nil
	if err := exe.Submit(b, 1).Wait(); err != nil {
		t.Errorf("a good run after a failed one: %v", err)
	}
	release(exe, b)
	gone(t, s, d)
}

func TestBuffersOutliveTheRunThatUsesThem(t *testing.T) {
	s := newStub()
	s.hold = make(chan error)
	d := New(s, MSL{}, "")
	exe, b := prepared(t, d)
	run := exe.Submit(b, 1)
	before := s.count(&s.memories, 0)
	b.Inputs[0].Free()
	if now := s.count(&s.memories, 0); now != before {
		t.Errorf("a buffer that a run uses was freed: %d memories, then %d", before, now)
	}
	s.hold <- nil
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	release(exe, b)
	gone(t, s, d)
}

func TestWhatFailsLeavesNothing(t *testing.T) {
	t.Run("alloc", func(t *testing.T) {
		s := newStub()
		d := New(s, MSL{}, "")
		s.failAlloc = true
		if _, err := d.Compile(chained(t)); err == nil {
			t.Error("compiling without memory did not fail")
		}
		if _, err := d.Alloc(5); err == nil {
			t.Error("allocating without memory did not fail")
		}
		gone(t, s, d)
	})
	t.Run("text", func(t *testing.T) {
		s := newStub()
		d := New(s, MSL{}, "")
		s.failText = true
		_, err := d.Compile(chained(t))
		if _, ok := errors.AsType[*CompileError](err); !ok {
			t.Errorf("error %v, want a *CompileError", err)
		}
		gone(t, s, d)
	})
	t.Run("begin", func(t *testing.T) {
		s := newStub()
		d := New(s, MSL{}, "")
		exe, b := prepared(t, d)
		s.failBegin = 2
		if err := exe.Submit(b, 1000).Wait(); err == nil || !strings.Contains(err.Error(), "no recording") {
			t.Errorf("error %v, want that there is no recording", err)
		}
		release(exe, b)
		gone(t, s, d)
	})
}

func TestLimits(t *testing.T) {
	s := newStub()
	s.limits.MaxBuffer, s.limits.Memory = 1<<20, 3<<19
	d := New(s, MSL{}, "")
	if _, err := d.Alloc(1<<20 + 1); err == nil || !strings.Contains(err.Error(), "a buffer of Stub holds 1048576") {
		t.Errorf("error %v, want the size of the largest buffer", err)
	}
	one, err := d.Alloc(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Alloc(1 << 20); err == nil || !strings.Contains(err.Error(), "1048576 of the 1572864") {
		t.Errorf("error %v, want what is in use", err)
	}
	one.Free()

	x := ir.Input("x", ir.F32, 1<<10, 1<<10)
	y := op.Mul(op.Exp(x), x)
	y.In[0].Layer = "Wide"
	p, err := plan.New(ir.NewGraph("wide", []ir.Output{{Name: "y", Value: y}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lower(p, MSL{}, s.limits, nil)
	if u, ok := errors.AsType[*backend.UnsupportedError](err); !ok || u.Layer != "Wide" || !strings.Contains(err.Error(), "smaller batch") {
		t.Errorf("error %v, want an *UnsupportedError that names the layer", err)
	}
	gone(t, s, d)
}

// TestEviction: where there are too many pipelines those go that nobody uses,
// and not those that the next program needs.
func TestEviction(t *testing.T) {
	s := newStub()
	d := New(s, MSL{}, "")
	exe, b := prepared(t, d)
	release(exe, b)
	needed := len(d.pipelines)
	for i := range keptPipelines {
		s.count(&s.pipelines, 1)
		d.pipelines[fmt.Sprint("other", i)] = &pipeline{Pipeline: &stubPipeline{driver: s}}
	}
	p := chained(t)
	p.Graph.Outputs[0].Value.Op = "div"
	exe, err := d.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.pipelines); n > needed+1 {
		t.Errorf("%d pipelines are left", n)
	}
	exe.Free()
	gone(t, s, d)
}

// TestKernelsAreKept: a kernel that was compiled once is not compiled again, and
// those that no program uses go when there are too many, but for those wanted.
func TestKernelsAreKept(t *testing.T) {
	s := newStub()
	d := New(s, MSL{}, "")
	for range 3 {
		exe, b := prepared(t, d)
		release(exe, b)
	}
	few := s.pipelines
	for i := range keptPipelines + 50 {
		x := ir.Input("x", ir.F32, 8)
		p, err := plan.New(ir.NewGraph("test", []ir.Output{{Name: "y", Value: op.Add(x, ir.Const(float64(i), ir.F32))}}, nil))
		if err != nil {
			t.Fatal(err)
		}
		exe, err := d.Compile(p)
		if err != nil {
			t.Fatal(err)
		}
		exe.Free()
		if i%100 == 0 { // these are wanted now and then
			exe, b := prepared(t, d)
			release(exe, b)
		}
	}
	if few > 3 || s.pipelines > keptPipelines {
		t.Errorf("%d pipelines of one program, %d after many", few, s.pipelines)
	}
	gone(t, s, d)
}

// unified is a stub that shares memory with the host.
type unified struct{ *stub }

func (u unified) Wrap(pages []byte) (Memory, error) {
	if len(pages)%os.Getpagesize() != 0 {
		return nil, errors.New("no whole pages")
	}
	u.count(&u.memories, 1)
	return &stubMemory{driver: u.stub, data: pages}, nil
}

func TestWrap(t *testing.T) {
	s := newStub()
	data := make([]byte, 10, 2*os.Getpagesize())
	if _, err := New(s, MSL{}, "").Wrap(data); err == nil {
		t.Error("a driver with memory of its own wrapped the host's")
	}
	d := New(unified{s}, MSL{}, "")
	for _, bad := range [][]byte{nil, data[:0], data[:10:10]} {
		if _, err := d.Wrap(bad); err == nil {
			t.Errorf("%d bytes with room for %d were wrapped", len(bad), cap(bad))
		}
	}
	b, err := d.Wrap(data)
	if err != nil {
		t.Fatal(err)
	}
	data[3] = 7
	got := make([]byte, 10)
	if err := b.Download(0, got); err != nil || got[3] != 7 || b.Len() != 10 || d.LiveBytes() != 10 {
		t.Errorf("the buffer has %d bytes %v (%v), %d are live; want the host's 10", b.Len(), got, err, d.LiveBytes())
	}
	if err := b.Download(8, make([]byte, 4)); err == nil {
		t.Error("a download of what lies behind the buffer did not fail")
	}
	b.Free()
	gone(t, s, d)
}
