// Package conformance is the one suite that every device must pass. Each op is
// run over shapes that tend to break kernels, and over random graphs, and held
// against the float64 interpreter in package interp with a stated tolerance.
//
// A backend's own test is one line:
//
//	func TestConformance(t *testing.T) { conformance.Run(t, cpu.New(2)) }
//
// Programs run the same suite with Check.
package conformance

import (
	"context"
	"slices"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// Option changes what the suite runs.
type Option int

const (
	// Small leaves out graphs with a value of more than some thousand elements,
	// for devices that are simulated.
	Small Option = iota + 1
	// Dry compiles and runs everything, and compares nothing: a device that
	// collects kernels first, to build them all at once, is shown them by it.
	Dry
	// Build compiles everything, and runs nothing.
	Build
)

// mostElems is the size of the largest value that Small lets through.
const mostElems = 5000

// mostFailures is how many graphs may fail; from then on each ends its part.
const mostFailures = 50

// Run holds the device against the interpreter. It does not close it. Its host
// is a *testing.T, or whatever else runs parts of a test as that does.
func Run[H host[H]](t H, dev backend.Device, options ...Option) {
	run(context.Background(), adapt(t), dev, options)
}

var parts = []struct {
	name string
	run  func(*suite, T)
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
}

func run(ctx context.Context, t T, dev backend.Device, options []Option) int {
	s := &suite{ctx: ctx, dev: dev, small: slices.Contains(options, Small), dry: slices.Contains(options, Dry), build: slices.Contains(options, Build)}
	for _, part := range parts {
		if ctx.Err() == nil && (part.name != "buffers" || !s.build) {
			t.Run(part.name, func(t T) { part.run(s, t) })
		}
	}
	return s.cases
}

// suite runs graphs on a device and remembers which ops it has seen.
type suite struct {
	ctx        context.Context
	dev        backend.Device
	small      bool
	dry, build bool
	cases      int // graphs that were run
	failures   int // of these
	seen       map[string]bool
	typed      map[string]*ir.Value // a value of each signature
	optimize   bool                 // run the passes of package compile first
}
