package backend

// Run is a program with what it runs on, and how often.
type Run struct {
	Executable Executable
	Bindings   Bindings
	Steps      int
}

// Repeat runs programs of one device one after the other, and all of that so many
// times.
func Repeat(runs []Run, times int) Completion {
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
