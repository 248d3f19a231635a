package wire

// FindLR tries learning rates that rise from step to step, what is 0 as the core
// has it, and changes nothing of the trainer. The answer is LRCurve, after some Show
// frames if there shall be pictures. The test ends when the client goes away.
type FindLR struct {
	Trainer  string
	From, To float64
	Steps    int
	Show     bool // send pictures
}

// LRCurve is the loss over the learning rate.
type LRCurve struct {
	Rates      []float64
	Losses     []float64 // of each step's batch
	Smooth     []float64 // moving averages of these
	Suggestion float64   // 0 for none
	Note       string    // how it ended before the last rate
}

func (m *FindLR) fields(c *Codec) {
	c.Str(&m.Trainer)
	c.Float(&m.From)
	c.Float(&m.To)
	c.Int(&m.Steps)
	c.Bool(&m.Show)
}

func (m *LRCurve) fields(c *Codec) {
	c.Floats(&m.Rates)
	c.Floats(&m.Losses)
	c.Floats(&m.Smooth)
	c.Float(&m.Suggestion)
	c.Str(&m.Note)
}
