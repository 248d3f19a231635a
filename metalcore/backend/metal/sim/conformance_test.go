package sim_test

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/conformance"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/sim"
)

// TestConformance runs the engine's suite on the text that goes to a Mac. Its
// kernels are gathered first, and compiled together; each access of theirs is
// watched for races, and each pointer must have its address space.
func TestConformance(t *testing.T) {
	var kernels sim.Gathering
	dry := open(t, sim.Options{Gather: &kernels, Watch: true})
	conformance.Run(t, dry, conformance.Small, conformance.Dry)
	if t.Failed() {
		return
	}
	if err := kernels.Lint(); err != nil {
		t.Error(err)
	}
	if err := kernels.Prepare(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kernels", kernels.Len())
	dev := open(t, sim.Options{Seed: 1, Watch: true})
	conformance.Run(t, dev, conformance.Small)
	if live := dev.LiveBytes(); live != 0 {
		t.Errorf("%d bytes are left", live)
	}
}

// open returns a device on a driver, which must find nothing left at its end.
func open(t *testing.T, o sim.Options) *gpu.Device {
	t.Helper()
	driver, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	dev := gpu.New(driver, gpu.MSL{}, "")
	t.Cleanup(func() {
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	})
	return dev
}
