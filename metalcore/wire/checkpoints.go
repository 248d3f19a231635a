package wire

// Fork makes a trainer of the name As that is what another one is at this moment,
// which trains on; the answer is Declared. Rename gives a trainer another name,
// also while it trains; the answer is Trained.
type (
	Fork   struct{ Trainer, As string }
	Rename struct{ Trainer, As string }
)

// Save writes a trainer to a checkpoint: one with a name, in a folder of the
// core, or a file at a path. The answer is Checkpoints with that one. Restore
// makes the trainer what a checkpoint is, and is refused while it trains; the
// answer is Trained.
type (
	Save    struct{ Trainer, Name, Path string }
	Restore struct{ Trainer, Name, Path string }
)

// AskCheckpoints asks for the checkpoints of a trainer that have a name.
// DropCheckpoint removes one of them; the answer is OK.
type (
	AskCheckpoints struct{ Trainer string }
	DropCheckpoint struct{ Trainer, Name string }
)

// Import copies weights out of any program's file of safetensors; the answer is
// Trained.
type Import struct {
	Trainer string
	Path    string
	Names   []Renamed
	Torch   bool // PyTorch's names of parts and order of axes
	Partial bool // what the file does not have stays
}

// Renamed says what a file calls a state or a layer.
type Renamed struct{ Name, File string }

// Checkpoints lists checkpoints, the latest last.
type Checkpoints struct{ List []Checkpoint }

// Checkpoint is a trainer in a file.
type Checkpoint struct {
	Name  string // empty of one at a path
	Path  string
	Time  int64 // Unix time in nanoseconds
	Epoch int   // epochs completed
	Step  int64 // steps taken
	Bytes int64

	Kept   bool // made by a training itself
	Metric string
	Value  float64
}

func (m *Fork) fields(c *Codec) {
	c.Str(&m.Trainer)
	c.Str(&m.As)
}

func (m *Rename) fields(c *Codec) {
	c.Str(&m.Trainer)
	c.Str(&m.As)
}

func (m *Save) fields(c *Codec) {
	c.Str(&m.Trainer)
	c.Str(&m.Name)
	c.Str(&m.Path)
}

func (m *Restore) fields(c *Codec) {
	c.Str(&m.Trainer)
	c.Str(&m.Name)
	c.Str(&m.Path)
}

func (m *AskCheckpoints) fields(c *Codec) {
	c.Str(&m.Trainer)
}

func (m *Import) fields(c *Codec) {
	c.Str(&m.Trainer)
	c.Str(&m.Path)
	list(c, &m.Names, 16, func(x *Renamed) { x.fields(c) })
	c.Bool(&m.Torch)
	c.Bool(&m.Partial)
}

func (m *Renamed) fields(c *Codec) {
	c.Str(&m.Name)
	c.Str(&m.File)
}

func (m *DropCheckpoint) fields(c *Codec) {
	c.Str(&m.Trainer)
	c.Str(&m.Name)
}

func (m *Checkpoints) fields(c *Codec) {
	list(c, &m.List, 65, func(x *Checkpoint) { x.fields(c) })
}

func (m *Checkpoint) fields(c *Codec) {
	c.Str(&m.Name)
	c.Str(&m.Path)
	c.Int64(&m.Time)
	c.Int(&m.Epoch)
	c.Int64(&m.Step)
	c.Int64(&m.Bytes)
	c.Bool(&m.Kept)
	c.Str(&m.Metric)
	c.Float(&m.Value)
}
