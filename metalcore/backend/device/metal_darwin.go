package device

import (
	"os"
	"path/filepath"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal"
)

// openMetal opens the GPU of a Mac. What it has compiled, and whose products are
// the faster ones, is kept among the user's caches.
func openMetal() (backend.Device, error) {
	cache, choices := "", ""
	if dir, err := os.UserCacheDir(); err == nil {
		cache = filepath.Join(dir, "metalnb")
		choices = filepath.Join(cache, "products.json")
	}
	driver, err := metal.Open(metal.Options{Cache: cache})
	if err != nil {
		return nil, err
	}
	return gpu.New(driver, gpu.MSL{}, choices), nil
}
