//go:build linux

package fake

import "github.com/metalnb/metalnb/metalcore/backend/metal/sim"

// MSL is a Compiler of Metal's language: package sim compiles and runs it, from
// the last thread to the first.
func MSL(text string) (func(string) Kernel, error) {
	l, err := sim.Compile(text)
	if err != nil {
		return nil, err
	}
	return func(name string) Kernel {
		k := l.Kernel(name)
		if k == nil {
			return nil
		}
		return func(l *Launch) error {
			launch := &sim.Launch{Threads: l.Threads, Buffers: l.Buffers[:], Order: 1}
			for i := range 3 {
				launch.Grid[i] = l.Groups[i] * l.Threads[i]
			}
			return k.Run(launch)
		}
	}, nil
}
