package metal

import (
	"os"
	"path/filepath"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// New opens the system's GPU. Compiled kernels, and which products the vendor's
// library computes faster, are kept in the user's cache. Where there is no GPU
// that can be used the error is a *backend.UnavailableError.
func New() (backend.Device, error) {
	dir, choices := "", ""
	if user, err := os.UserCacheDir(); err == nil {
		dir = filepath.Join(user, "metalnb")
		choices = filepath.Join(dir, "products.json")
	}
	d, err := Open(Options{Cache: dir})
	if err != nil {
		return nil, err
	}
	return gpu.New(d, gpu.MSL{}, choices), nil
}

// Selectors compares the types of all messages that are sent with what the
// system's runtime knows of them.
func Selectors() (checked int, problems []string) { return selectors(objc.Libraries{}) }

func selectors(l objc.Libraries) (checked int, problems []string) {
	if err := load(l); err != nil {
		return 0, []string{err.Error()}
	}
	for _, m := range objc.Methods() {
		if err := m.Verify(); err != nil {
			problems = append(problems, err.Error())
		}
	}
	return len(objc.Methods()), problems
}
