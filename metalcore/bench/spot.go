package bench

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/device"
)

// spot is where something is measured: the CPU on some threads, or another
// device.
type spot struct {
	name    string // "2T", "metal"
	kind    string
	threads int // of the CPU
}

// spots are all that the options ask for.
func (o *Options) spots() []spot {
	if o.Device != "cpu" {
		return []spot{{name: o.Device, kind: o.Device}}
	}
	var list []spot
	for _, n := range o.Threads {
		list = append(list, spot{fmt.Sprintf("%dT", n), o.Device, n})
	}
	return list
}

func (s spot) open() (backend.Device, error) { return device.All(s.threads).Open(s.kind) }

// peak is the speed in FLOP/s that the processor's multiply-adds reach now; 0
// for other devices, which cannot be asked.
func (s spot) peak() float64 {
	if s.kind != "cpu" {
		return 0
	}
	return Peak(s.threads)
}
