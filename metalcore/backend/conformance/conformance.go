// Package conformance is the one suite that every device must pass. Each op is
// run over shapes that tend to break kernels, and over random graphs, and held
// against the float64 interpreter in package interp with a stated tolerance.
//
// A backend's own test is one line:
//
//	func TestConformance(t *testing.T) { conformance.Run(t, cpu.New(2)) }
package conformance

import (
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// Run holds the device against the interpreter. It does not close it.
func Run(t *testing.T, dev backend.Device) {
	s := &suite{dev: dev}
	for _, part := range []struct {
		name string
		run  func(*suite, *testing.T)
	}{
		{"buffers", (*suite).buffers},
		{"unary", (*suite).unary},
		{"binary", (*suite).binary},
		{"compare", (*suite).compare},
		{"reduce", (*suite).reduce},
		{"move", (*suite).move},
		{"pieces", (*suite).pieces},
		{"index", (*suite).index},
		{"along", (*suite).along},
		{"matmul", (*suite).matmul},
		{"conv", (*suite).conv},
		{"pool", (*suite).pool},
		{"loss", (*suite).loss},
		{"draw", (*suite).draw},
		{"results", (*suite).results},
		{"steps", (*suite).steps},
		{"random", (*suite).random},
		{"fused", (*suite).fused},
		{"types", (*suite).types},
		{"table", (*suite).table},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(s, t) })
	}
}

// suite runs graphs on a device and remembers which ops it has seen.
type suite struct {
	dev      backend.Device
	seen     map[string]bool
	typed    map[string]*ir.Value // a value of each signature
	optimize bool                 // run the passes of package compile first
}
