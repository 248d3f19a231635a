package backend

// Run is some steps of a program, on its buffers.
type Run struct {
	Executable Executable
	Bindings   Bindings
	Steps      int
}

// Repeater is an Executable of a device that takes runs of several programs at
// once, without a word to the host between them.
type Repeater interface {
	Executable
	// Repeat does what the function of that name does.
	Repeat(runs []Run, times int) Completion
}

// Repeat starts runs of several programs of one device, each of which comes once:
// one after the other, and all that so many times.
func Repeat(runs []Run, times int) Completion {
	if len(runs) > 0 {
		if r, ok := runs[0].Executable.(Repeater); ok {
			return r.Repeat(runs, times)
		}
	}
	return Async(func() error {
		for range times {
			for _, r := range runs {
				if err := r.Executable.Submit(r.Bindings, r.Steps).Wait(); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
