package doctor

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/conformance"
	"github.com/metalnb/metalnb/metalcore/bench"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// check is one thing that is tried on a device.
type check struct {
	name, does string
	run        func(ctx context.Context, p *patient) finding
}

// checks are made in this order: what the later ones rest on comes first.
var checks = []check{
	{"selectors", "compares the encodings of all Objective-C messages with the runtime's", selectors},
	{"kernels", "compiles every program of the suite below", kernels},
	{"conformance", "runs every op on every type and shape of the suite, one by one and fused, and holds it against the float64 interpreter", conforms},
	{"bandwidth", "measures how fast the device reads and writes its memory", bandwidth},
	{"products", "measures products of matrices", products},
	{"train W1", "trains an MLP for a while, holds its loss against the CPU's, and its speed against the roof of the chip", trains("W1")},
	{"train W3", "does the same with a small convolutional network", trains("W3")},
	{"memory", "looks whether all memory of the device was given back", memory},
}

func selectors(_ context.Context, p *patient) finding {
	if p.kind.Selectors == nil {
		return notHere("this backend sends no Objective-C messages")
	}
	n, list := p.kind.Selectors()
	return problems(list, "%d selectors compared", n)
}

func kernels(ctx context.Context, p *patient) finding {
	return p.suite(ctx, "%d programs compiled in %v", conformance.Build)
}

func conforms(ctx context.Context, p *patient) finding { return p.suite(ctx, "%d programs run in %v") }

// suite runs the conformance suite.
func (p *patient) suite(ctx context.Context, format string, options ...conformance.Option) finding {
	if p.Quick {
		options = append(options, conformance.Small)
	}
	start := time.Now()
	r := conformance.Check(ctx, p.dev, options...)
	f := problems(byPart(r.Failures), format, r.Cases, since(start))
	if ctx.Err() != nil && f.verdict == OK {
		f.verdict, f.text = NotMade, "interrupted after "+f.text
	}
	return f
}

// byPart tells of each part of the suite its first failure and how many it has.
func byPart(failures []conformance.Failure) (list []string) {
	counts := map[string]int{}
	for _, f := range failures {
		counts[f.Part]++
	}
	for _, f := range failures {
		if n := counts[f.Part]; n > 0 {
			list = append(list, fmt.Sprintf("%s, %d failures, the first: %s", f.Part, n, f.Text))
			counts[f.Part] = 0
		}
	}
	return list
}

// bandwidth measures with more memory than caches have.
func bandwidth(ctx context.Context, p *patient) finding {
	size := int64(256 << 20)
	if p.Quick {
		size = 64 << 20
	}
	if most := p.dev.Info().MaxBuffer; most > 0 {
		size = min(size, most)
	}
	rate, err := bench.Bandwidth(p.dev, size)
	if err != nil {
		return because(ctx, err)
	}
	p.moved = rate
	return ok("%s GB/s, read and written, over %s", number(rate/1e9), bytes(size))
}

func products(ctx context.Context, p *patient) finding {
	sizes := []int{512, 1024, 2048}
	if p.Quick {
		sizes = []int{256}
	}
	f := ok("")
	for _, n := range sizes {
		rate, err := bench.GEMM(p.dev, n)
		if err != nil {
			return because(ctx, err)
		}
		if p.gemm = max(p.gemm, rate); f.text != "" {
			f.text += ", "
		}
		f.text += fmt.Sprintf("%s GFLOP/s of %d x %d", number(rate/1e9), n, n)
		if ctx.Err() != nil {
			break
		}
	}
	return f
}

// memory must be the last check.
func memory(_ context.Context, p *patient) finding {
	if _, counts := p.raw.(interface{ LiveBytes() int64 }); !counts {
		return notHere("the device does not count its memory")
	}
	if left := live(p.raw); left != p.live {
		return failed("%d bytes are held, and %d were at the beginning: the device leaks some", left, p.live)
	}
	return ok("%d bytes held, as at the beginning; this process took %s at most", p.live, bytes(peakMemory()))
}

// live is the memory that a device says is in use.
func live(dev backend.Device) int64 {
	if d, counts := dev.(interface{ LiveBytes() int64 }); counts {
		return d.LiveBytes()
	}
	return 0
}

// traced is a device that leaves each program in a file before it compiles it.
type traced struct {
	backend.Device
	path string
}

func (d traced) Compile(p *plan.Program) (backend.Executable, error) {
	if err := os.WriteFile(d.path, []byte(p.String()), 0o644); err != nil {
		return nil, err
	}
	return d.Device.Compile(p)
}

// since is a time for people.
func since(start time.Time) time.Duration { return time.Since(start).Round(time.Millisecond) }
