package wire

// AskDevices asks which devices there are; the answer is Devices.
type AskDevices struct{}

// Devices lists the devices, the best first.
type Devices struct{ List []Device }

// Device is one that the core can compute on, or that is not there.
type Device struct {
	Name      string // as people know it
	Kind      string // what UseDevice takes
	Family    string // of the chip, or of its instructions
	Memory    int64  // bytes that all buffers together may take
	MaxBuffer int64  // bytes of one buffer; 0 when only Memory bounds them
	Limits    string // of a kernel
	Used      bool   // the core computes on it
	Missing   string // why it is not there
}

// UseDevice makes the core compute on the device of that kind, or on the best
// one when it is "auto". The answer is the Device. It is refused while there are
// trainers.
type UseDevice struct{ Kind string }

func (*AskDevices) fields(*Codec) {}

func (m *Devices) fields(c *Codec) {
	list(c, &m.List, 57, func(x *Device) { x.fields(c) })
}

func (m *Device) fields(c *Codec) {
	c.Str(&m.Name)
	c.Str(&m.Kind)
	c.Str(&m.Family)
	c.Int64(&m.Memory)
	c.Int64(&m.MaxBuffer)
	c.Str(&m.Limits)
	c.Bool(&m.Used)
	c.Str(&m.Missing)
}

func (m *UseDevice) fields(c *Codec) {
	c.Str(&m.Kind)
}
