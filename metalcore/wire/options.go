package wire

// What a declaration may say of how a trainer trains, and what is measured of a
// classifier.

// Loss is a loss's name and settings.
type Loss struct {
	Name     string // empty for the one that goes with the data
	Settings []Setting
	Weights  []float64 // of the classes
	Ignore   []int     // labels whose rows do not count
	Graph    string    // of the loss "function": inputs "output" and "target", output "loss"
}

// Group is a group of parameters with a learning rate and decay of its own.
type Group struct {
	Layers  string  // a pattern of names
	LR      float64 // a factor, 1 when 0
	Decay   float64 // weight decay, that of the optimizer when 0
	NoDecay bool
}

// Optimizer is an optimizer's name and settings, the learning rate "lr" among
// them.
type Optimizer struct {
	Name     string
	Settings []Setting
	Groups   []Group
}

// Schedule is the name and settings of how the learning rate changes.
type Schedule struct {
	Name     string // empty for a constant rate
	Settings []Setting
	Watch    string // the metric that it reacts to
}

// EarlyStop says when a training ends before its goal.
type EarlyStop struct {
	On       bool
	Watch    string // the metric
	Patience int
	MinDelta float64
	Baseline float64 // 0 for none
	From     int
	KeepLast bool // keep the last weights, not the best
}

// Keep says which checkpoints a training makes by itself, and how many stay.
type Keep struct {
	Every int // epochs between two
	Steps int // or steps
	Last  int
	Best  int
	Watch string // the metric
}

// AskReport asks how a classifier does on data; the answer is a Report.
type AskReport struct {
	Trainer string
	Data    DataRef
}

// Report counts which classes a classifier takes for which.
type Report struct {
	Classes []string // their names
	Cells   []int    // [i·n + j] rows of the class i were taken for the class j
	Text    string   // as a table of precision, recall and F1
	Rates   []Rates  // of each class, then the macro, micro and weighted means
}

// Rates is how well a class is told from the others.
type Rates struct {
	Precision, Recall, F1, Specificity, NPV float64
	Support                                 int
}

// AskCurve asks for the ROC or PR curve of one class on data; the answer is a
// Curve.
type AskCurve struct {
	Trainer string
	Data    DataRef
	Kind    string // "roc" or "pr"
	Class   int
}

// Curve is a course over all thresholds of a score.
type Curve struct {
	X, Y, Thresholds []float64
	Area             float64
}

func (m *Loss) fields(c *Codec) {
	c.Str(&m.Name)
	list(c, &m.Settings, 16, func(x *Setting) { x.fields(c) })
	c.Floats(&m.Weights)
	c.Ints(&m.Ignore)
	c.Str(&m.Graph)
}

func (m *Group) fields(c *Codec) {
	c.Str(&m.Layers)
	c.Float(&m.LR)
	c.Float(&m.Decay)
	c.Bool(&m.NoDecay)
}

func (m *Optimizer) fields(c *Codec) {
	c.Str(&m.Name)
	list(c, &m.Settings, 16, func(x *Setting) { x.fields(c) })
	list(c, &m.Groups, 25, func(x *Group) { x.fields(c) })
}

func (m *Schedule) fields(c *Codec) {
	c.Str(&m.Name)
	list(c, &m.Settings, 16, func(x *Setting) { x.fields(c) })
	c.Str(&m.Watch)
}

func (m *EarlyStop) fields(c *Codec) {
	c.Bool(&m.On)
	c.Str(&m.Watch)
	c.Int(&m.Patience)
	c.Float(&m.MinDelta)
	c.Float(&m.Baseline)
	c.Int(&m.From)
	c.Bool(&m.KeepLast)
}

func (m *Keep) fields(c *Codec) {
	for _, x := range []*int{&m.Every, &m.Steps, &m.Last, &m.Best} {
		c.Int(x)
	}
	c.Str(&m.Watch)
}

func (m *AskReport) fields(c *Codec) {
	c.Str(&m.Trainer)
	m.Data.fields(c)
}

func (m *Report) fields(c *Codec) {
	c.Strs(&m.Classes)
	c.Ints(&m.Cells)
	c.Str(&m.Text)
	list(c, &m.Rates, 48, func(x *Rates) { x.fields(c) })
}

func (m *Rates) fields(c *Codec) {
	for _, x := range []*float64{&m.Precision, &m.Recall, &m.F1, &m.Specificity, &m.NPV} {
		c.Float(x)
	}
	c.Int(&m.Support)
}

func (m *AskCurve) fields(c *Codec) {
	c.Str(&m.Trainer)
	m.Data.fields(c)
	c.Str(&m.Kind)
	c.Int(&m.Class)
}

func (m *Curve) fields(c *Codec) {
	c.Floats(&m.X)
	c.Floats(&m.Y)
	c.Floats(&m.Thresholds)
	c.Float(&m.Area)
}
