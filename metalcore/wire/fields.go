package wire

// One walk over the fields of each message, for writing and for reading.

func (m *Hello) fields(c *Codec) {
	c.Int(&m.Proto)
	c.Str(&m.Version)
	c.Int(&m.PID)
	c.Str(&m.Session)
	c.Str(&m.Kernel)
}

func (m *Welcome) fields(c *Codec) {
	c.Int(&m.Proto)
	c.Str(&m.Version)
	c.Int(&m.PID)
	c.Int64(&m.Started)
	c.Str(&m.Address)
	c.Str(&m.Device)
}

func (m *Problem) fields(c *Codec) {
	c.Str(&m.Code)
	c.Str(&m.Message)
	c.Str(&m.Remedy)
}

func (*OK) fields(*Codec) {}

func (*StatusRequest) fields(*Codec) {}

func (m *Status) fields(c *Codec) {
	m.Welcome.fields(c)
	c.Int64(&m.Resident)
	c.Int64(&m.DeviceBytes)
	c.Str(&m.Log)
	c.Str(&m.Journal)
	list(c, &m.Sessions, 40, func(x *SessionInfo) { x.fields(c) })
}

func (m *SessionInfo) fields(c *Codec) {
	c.Str(&m.Name)
	c.Int(&m.Clients)
	list(c, &m.Trainers, 346, func(x *TrainerInfo) { x.fields(c) })
	list(c, &m.Data, 89, func(x *DataInfo) { x.fields(c) })
	c.Strs(&m.Tensors)
}

func (m *Shutdown) fields(c *Codec) {
	c.Bool(&m.Force)
}

func (m *Tensor) fields(c *Codec) {
	c.Str(&m.DType)
	c.Ints(&m.Shape)
	c.Bytes(&m.Data)
	c.Str(&m.File)
}

func (m *Tensors) fields(c *Codec) {
	list(c, &m.List, 32, func(x *Tensor) { x.fields(c) })
}

func (m *DataRef) fields(c *Codec) {
	c.Str(&m.Source)
	c.Bool(&m.User)
	c.Str(&m.Part)
	c.Float(&m.Share)
	c.Int64(&m.Seed)
}

func (m *DataInfo) fields(c *Codec) {
	m.Ref.fields(c)
	c.Int(&m.Rows)
	c.Ints(&m.XShape)
	c.Ints(&m.YShape)
	c.Strs(&m.Classes)
	c.Int64(&m.Bytes)
	c.Str(&m.About)
	c.Int(&m.Skipped)
}

func (m *PutData) fields(c *Codec) {
	c.Str(&m.Name)
	c.Str(&m.Hash)
	m.X.fields(c)
	m.Y.fields(c)
	m.W.fields(c)
	c.Strs(&m.Classes)
}

func (m *HasData) fields(c *Codec) {
	c.Str(&m.Name)
	c.Str(&m.Hash)
}

func (m *AskData) fields(c *Codec) {
	m.Ref.fields(c)
}

func (m *Rows) fields(c *Codec) {
	m.Ref.fields(c)
	c.Ints(&m.Rows)
}

func (m *Setting) fields(c *Codec) {
	c.Str(&m.Name)
	c.Float(&m.Value)
}

func (m *TrainerSpec) fields(c *Codec) {
	c.Str(&m.Name)
	c.Str(&m.Model)
	m.Data.fields(c)
	m.Valid.fields(c)
	c.Int(&m.Batch)
	c.Int(&m.Accumulate)
	m.Loss.fields(c)
	c.Strs(&m.Metrics)
	c.Float(&m.L1)
	c.Float(&m.L2)
	c.Float(&m.EMA)
	c.Float(&m.Mixup)
	m.Optimizer.fields(c)
	m.Schedule.fields(c)
	m.EarlyStop.fields(c)
	m.Keep.fields(c)
	c.Str(&m.Precision)
	c.Int64(&m.Seed)
	c.Bool(&m.Ordered)
	c.Bool(&m.Check)
	c.Bool(&m.Replace)
}

func (m *Declare) fields(c *Codec) {
	m.Spec.fields(c)
}

func (m *Declared) fields(c *Codec) {
	c.Str(&m.Outcome)
	c.Str(&m.Say)
	m.Info.fields(c)
}

func (m *TrainerInfo) fields(c *Codec) {
	c.Str(&m.Name)
	c.Str(&m.State)
	c.Str(&m.Note)
	c.Int(&m.Epoch)
	c.Int64(&m.Step)
	c.Int(&m.EpochStep)
	c.Int(&m.StepsPerEpoch)
	c.Int(&m.Goal)
	c.Float(&m.LR)
	c.Int64(&m.Skipped)
	c.Float(&m.LossScale)
	c.Float(&m.StepsPerSec)
	c.Int(&m.Params)
	c.Int64(&m.Bytes)
	c.Int(&m.Batch)
	c.Int(&m.Parts)
	c.Str(&m.Loss)
	c.Str(&m.Optimizer)
	m.Data.fields(c)
	m.Valid.fields(c)
	m.Last.fields(c)
}

func (m *Metric) fields(c *Codec) {
	c.Str(&m.Name)
	c.Float(&m.Value)
}

func (m *Metrics) fields(c *Codec) {
	c.Int(&m.Rows)
	list(c, &m.List, 16, func(x *Metric) { x.fields(c) })
}

func (m *Epoch) fields(c *Codec) {
	c.Int(&m.N)
	c.Int(&m.Steps)
	c.Float(&m.Seconds)
	c.Float(&m.LR)
	list(c, &m.Train, 16, func(x *Metric) { x.fields(c) })
	list(c, &m.Valid, 16, func(x *Metric) { x.fields(c) })
}

func (m *Point) fields(c *Codec) {
	c.Int64(&m.Step)
	c.Float(&m.Loss)
}

func (m *Run) fields(c *Codec) {
	c.Str(&m.ID)
	m.Info.fields(c)
	list(c, &m.Epochs, 48, func(x *Epoch) { x.fields(c) })
	list(c, &m.Points, 16, func(x *Point) { x.fields(c) })
}

func (m *Train) fields(c *Codec) {
	c.Str(&m.Trainer)
	c.Int(&m.Epochs)
	c.Int(&m.Steps)
	c.Bool(&m.Background)
	c.Bool(&m.More)
	c.Bool(&m.Show)
}

func (m *Watch) fields(c *Codec) {
	c.Str(&m.Trainer)
	c.Bool(&m.Show)
}

func (m *Event) fields(c *Codec) {
	m.Info.fields(c)
}

func (m *Trained) fields(c *Codec) {
	m.Info.fields(c)
}

func (m *Stop) fields(c *Codec) {
	c.Str(&m.Trainer)
}

func (m *SetLR) fields(c *Codec) {
	c.Str(&m.Trainer)
	c.Float(&m.LR)
}

func (m *AskTrainer) fields(c *Codec) {
	c.Str(&m.Trainer)
	c.Bool(&m.Brief)
}

func (m *Reset) fields(c *Codec) {
	c.Str(&m.Trainer)
}

func (m *Drop) fields(c *Codec) {
	c.Str(&m.Trainer)
}

func (m *Evaluate) fields(c *Codec) {
	c.Str(&m.Trainer)
	m.Data.fields(c)
}

func (m *Predict) fields(c *Codec) {
	c.Str(&m.Trainer)
	m.X.fields(c)
	c.Bool(&m.Raw)
}

func (m *Operand) fields(c *Codec) {
	c.Str(&m.Name)
	m.X.fields(c)
	c.Str(&m.Stored)
}

func (m *Compute) fields(c *Codec) {
	c.Str(&m.Graph)
	list(c, &m.Inputs, 48, func(x *Operand) { x.fields(c) })
	c.Str(&m.Store)
}

func (m *Call) fields(c *Codec) {
	c.Str(&m.Func)
	c.Int(&m.N)
	list(c, &m.Inputs, 48, func(x *Operand) { x.fields(c) })
}

func (m *Picture) fields(c *Codec) {
	c.Str(&m.What)
	c.Str(&m.Trainer)
	c.Strs(&m.Trainers)
	c.Str(&m.Graph)
	m.Data.fields(c)
	c.Ints(&m.Rows)
	m.X.fields(c)
	c.Strs(&m.Titles)
}

func (m *Item) fields(c *Codec) {
	c.Str(&m.Type)
	c.Bytes(&m.Data)
	c.Bool(&m.Text)
}

func (m *Show) fields(c *Codec) {
	c.Str(&m.ID)
	list(c, &m.Items, 17, func(x *Item) { x.fields(c) })
}
