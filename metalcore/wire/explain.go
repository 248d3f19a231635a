package wire

// AskExplain asks what a trainer's step is compiled to, or, without a trainer,
// the text of a graph; the answer is Explained.
type AskExplain struct {
	Trainer string
	Graph   string
	Skip    []string // passes to leave out
	Dump    bool     // with the graph after each pass
}

// Explained is a compiled program for people.
type Explained struct {
	Name     string
	Passes   []Pass
	Kernels  []Kernel // in the order in which they run, copies of results last
	Params   int      // numbers that are trained
	Arena    int64    // bytes
	Unshared int64    // what the arena would be if no two values shared memory
	Timed    bool     // the kernels' times are measured
	Text     string   // all this as text
	Plan     string   // the place of every value
}

// Pass is what one pass of the compiler did.
type Pass struct {
	Name, Doc     string
	Skipped       bool
	Micros        float64
	Before, After int    // values in the graph
	Groups        int    // of values that are computed together
	Text          string // the graph after it, of a dump
}

// Kernel is one instruction of a program.
type Kernel struct {
	Label, Result string
	Layers        []string
	Epilogue      string // what a product does to its result as it writes it
	Fused         int    // how many values it computes
	FLOPs         int64
	Read, Written int64   // bytes
	Micros        float64 // per step
}

func (m *AskExplain) fields(c *Codec) {
	c.Str(&m.Trainer)
	c.Str(&m.Graph)
	c.Strs(&m.Skip)
	c.Bool(&m.Dump)
}

func (m *Explained) fields(c *Codec) {
	c.Str(&m.Name)
	list(c, &m.Passes, 57, func(x *Pass) { x.fields(c) })
	list(c, &m.Kernels, 72, func(x *Kernel) { x.fields(c) })
	c.Int(&m.Params)
	c.Int64(&m.Arena)
	c.Int64(&m.Unshared)
	c.Bool(&m.Timed)
	c.Str(&m.Text)
	c.Str(&m.Plan)
}

func (m *Pass) fields(c *Codec) {
	c.Str(&m.Name)
	c.Str(&m.Doc)
	c.Bool(&m.Skipped)
	c.Float(&m.Micros)
	c.Int(&m.Before)
	c.Int(&m.After)
	c.Int(&m.Groups)
	c.Str(&m.Text)
}

func (m *Kernel) fields(c *Codec) {
	c.Str(&m.Label)
	c.Str(&m.Result)
	c.Strs(&m.Layers)
	c.Str(&m.Epilogue)
	c.Int(&m.Fused)
	c.Int64(&m.FLOPs)
	c.Int64(&m.Read)
	c.Int64(&m.Written)
	c.Float(&m.Micros)
}
