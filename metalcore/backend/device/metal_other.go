//go:build !darwin

package device

import "github.com/metalnb/metalnb/metalcore/backend"

func openMetal() (backend.Device, error) {
	return nil, &backend.UnavailableError{Kind: "metal", Why: "it needs a Mac with Apple Silicon"}
}
