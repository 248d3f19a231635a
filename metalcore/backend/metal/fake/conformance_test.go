//go:build linux

package fake_test

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/conformance"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal"
	"github.com/metalnb/metalnb/metalcore/backend/metal/fake"
	"github.com/metalnb/metalnb/metalcore/backend/metal/sim"
)

// TestConformance runs the engine's suite by the driver as on a Mac: each kernel
// is MSL, each product that the vendor's library has is the library's.
func TestConformance(t *testing.T) {
	load(t)
	before := fake.Live()
	prepareKernels(t)
	t.Setenv(gpu.EnvLibrary, "always")
	fake.Knob("swap", 1)
	fake.SetCompiler(fake.MSL)
	l, err := fake.Libraries()
	if err != nil {
		t.Fatal(err)
	}
	driver, err := metal.Open(metal.Options{Libraries: l})
	if err != nil {
		t.Fatal(err)
	}
	dev := gpu.New(driver, gpu.MSL{}, "")
	conformance.Run(t, dev, conformance.Small)
	if err := dev.Close(); err != nil {
		t.Error(err)
	}
	if s := driver.Stats(); s != (metal.Stats{}) {
		t.Errorf("the driver holds %+v after its end", s)
	}
	if s := fake.Errors(); s != "" {
		t.Errorf("noticed:\n%s", s)
	}
	for class, n := range fake.Live() {
		if n > before[class] {
			t.Errorf("%d of %s live, %d before", n, class, before[class])
		}
	}
}

// prepareKernels compiles the kernels of the suite together, which takes a tenth
// of the time of one by one.
func prepareKernels(t *testing.T) {
	t.Helper()
	var kernels sim.Gathering
	driver, err := sim.New(sim.Options{Gather: &kernels})
	if err != nil {
		t.Fatal(err)
	}
	dev := gpu.New(driver, gpu.MSL{}, "")
	conformance.Run(t, dev, conformance.Small, conformance.Dry)
	if err := dev.Close(); err != nil {
		t.Error(err)
	}
	if err := kernels.Prepare(); err != nil {
		t.Fatal(err)
	}
}
