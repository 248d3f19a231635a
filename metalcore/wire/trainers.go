package wire

// The states of a trainer. The first four are those of one that rests.
const (
	StateDeclared  = "declared"
	StateStopped   = "stopped" // before its goal
	StateFinished  = "finished"
	StateFailed    = "failed"
	StateCompiling = "compiling"
	StateRunning   = "running"
	StatePaused    = "paused"
	StateStopping  = "stopping"
	StateAsleep    = "asleep" // on the disk alone, until somebody uses it
)

// Training reports whether a training is under way, be it paused.
func (i *TrainerInfo) Training() bool {
	switch i.State {
	case StateCompiling, StateRunning, StatePaused, StateStopping:
		return true
	}
	return false
}

// Pause holds a training up between two steps, Resume lets it go on; the answer
// of both is Trained.
type (
	Pause  struct{ Trainer string }
	Resume struct{ Trainer string }
)

func (m *Pause) fields(c *Codec)  { c.Str(&m.Trainer) }
func (m *Resume) fields(c *Codec) { c.Str(&m.Trainer) }
