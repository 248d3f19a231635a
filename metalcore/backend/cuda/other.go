//go:build !linux

package cuda

import (
	"runtime"

	"github.com/metalnb/metalnb/metalcore/backend"
)

// New fails: CUDA is used on Linux only.
func New() (backend.Device, error) {
	return nil, &backend.UnavailableError{Kind: "cuda", Why: "CUDA is not used on " + runtime.GOOS}
}
