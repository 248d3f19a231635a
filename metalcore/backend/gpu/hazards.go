package gpu

// placeBarriers sets Call.Barrier where a call reads or writes what an earlier
// one since the last barrier wrote, or writes what one read. Between two steps
// there is always a barrier.
func (c *Code) placeBarriers() {
	var since []*Arg
	for i := range c.Calls {
		call := &c.Calls[i]
		call.Barrier = i > 0 && conflict(since, call.Args)
		if call.Barrier {
			since = since[:0]
		}
		for j := range call.Args {
			since = append(since, &call.Args[j])
		}
	}
}

func conflict(before []*Arg, args []Arg) bool {
	for _, b := range before {
		for i := range args {
			if a := &args[i]; (a.Write || b.Write) && a.overlaps(b) {
				return true
			}
		}
	}
	return false
}
