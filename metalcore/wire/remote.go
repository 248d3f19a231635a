package wire

// What passes between the two ends of a way to a core on another machine; see
// package remote.

// EnvCore names a core on another machine, in the words that the core printed
// when it began: tls://host:port?pin=...&token=...
const EnvCore = "METALNB_CORE"

// Enter is the first frame that a stranger sends: he shows that he knows the
// core's token. Nothing answers it; Hello is to follow.
type Enter struct{ Token string }

// Chunk is a piece of the file of a tensor, in a frame before that of the
// tensor. The first piece makes the file.
type Chunk struct {
	File string
	Data []byte
}

func (m *Enter) fields(c *Codec) {
	c.Str(&m.Token)
}

func (m *Chunk) fields(c *Codec) {
	c.Str(&m.File)
	c.Bytes(&m.Data)
}

// TensorsOf returns the tensors that a message holds and that may lie in files.
func TensorsOf(m Message) (list []*Tensor) {
	switch m := m.(type) {
	case *PutData:
		return []*Tensor{&m.X, &m.Y, &m.W}
	case *Offer:
		return []*Tensor{&m.X, &m.Y}
	case *Predict:
		return []*Tensor{&m.X}
	case *Picture:
		return []*Tensor{&m.X}
	case *Compute:
		return tensorsOf(m.Inputs)
	case *Call:
		return tensorsOf(m.Inputs)
	case *Tensors:
		for i := range m.List {
			list = append(list, &m.List[i])
		}
	}
	return list
}

func tensorsOf(operands []Operand) (list []*Tensor) {
	for i := range operands {
		list = append(list, &operands[i].X)
	}
	return list
}
