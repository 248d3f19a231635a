package train

// Moment is one at which a training can be kept as it is then.
type Moment struct {
	Before, Step int64  // steps taken, before the last slice and now
	Ended        *Epoch // the epoch that has ended, nil within one
}

// Keeper has f called after each slice of steps and at the end of each epoch, before
// an early stop puts other weights back; nil for none. take makes a snapshot. f
// holds the training up: it must be quick, and call nothing else of the trainer.
func (t *Trainer) Keeper(f func(m Moment, take func() (*Snapshot, error))) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keeper = f
}

// offer calls the keeper. The caller holds the device's side.
func (t *Trainer) offer(m Moment) {
	t.mu.Lock()
	f := t.keeper
	t.mu.Unlock()
	if f != nil {
		f(m, t.snapshot)
	}
}
