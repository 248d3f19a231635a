//go:build linux

package cuda

import (
	"errors"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/conformance"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// TestConformance runs the suite where there is a GPU. Elsewhere there must be
// an error that says what is missing.
func TestConformance(t *testing.T) {
	dev, err := New()
	if err != nil {
		if _, ok := errors.AsType[*backend.UnavailableError](err); !ok {
			t.Fatalf("error %v, want a *backend.UnavailableError", err)
		}
		t.Log(err)
		return
	}
	t.Log(dev.Info())
	conformance.Run(t, dev)
	if n := dev.(*gpu.Device).LiveBytes(); n != 0 {
		t.Errorf("%d bytes were not freed", n)
	}
	if err := dev.Close(); err != nil {
		t.Error(err)
	}
}

// TestKernelsCompile compiles what the suite runs, for which no GPU is needed,
// where there is NVRTC.
func TestKernelsCompile(t *testing.T) {
	c, err := openCompiler()
	if err != nil {
		if !strings.Contains(err.Error(), "nvrtc") {
			t.Errorf("error %v, want one that names the library", err)
		}
		return
	}
	d := &blind{c: c}
	conformance.Run(t, gpu.New(d, gpu.CUDA{}, ""), conformance.Build)
	t.Logf("%d kernels, by NVRTC %s", d.kernels, c.version)

	bad := gpu.CUDA{}.Render([]gpu.Kernel{{Name: "good", Threads: 32}, {Name: "bad", Threads: 32, Body: "\tlocal = nonsense;\n"}})
	_, err = c.compile(bad, 90)
	if e, ok := errors.AsType[*gpu.CompileError](err); !ok || e.Kernel != "bad" || !strings.Contains(e.Log, "nonsense") {
		t.Errorf("error %v, want a *gpu.CompileError that names the kernel", err)
	}
}
