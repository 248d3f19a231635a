package wire

// Data that the core reads from files, and data that a program makes.

// LoadData has the core read files into data of a name. Files that are there
// and have not changed are not read again. The answer is a DataInfo.
type LoadData struct {
	Name    string
	Format  string   // "csv", "parquet", "numpy", "idx", "images"
	Paths   []string // absolute
	Keys    []string // of arrays in an .npz
	Classes []string
	Skip    bool // leave out rows that cannot be read
	Lazy    bool // leave rows in their files until they are needed

	Label    string // of a table, like what follows
	Columns  []string
	OneHot   []string
	Missing  string
	Numbers  bool
	NoHeader bool
	Comma    string

	Height, Width int // of images
	Gray          bool
}

func (m *LoadData) fields(c *Codec) {
	c.Str(&m.Name)
	c.Str(&m.Format)
	c.Strs(&m.Paths)
	c.Strs(&m.Keys)
	c.Strs(&m.Classes)
	c.Bool(&m.Skip)
	c.Bool(&m.Lazy)
	c.Str(&m.Label)
	c.Strs(&m.Columns)
	c.Strs(&m.OneHot)
	c.Str(&m.Missing)
	c.Bool(&m.Numbers)
	c.Bool(&m.NoHeader)
	c.Str(&m.Comma)
	c.Int(&m.Height)
	c.Int(&m.Width)
	c.Bool(&m.Gray)
}

// OpenStream declares data whose rows this program makes from the answer on, which
// is a DataInfo; X and Y are of the type and shape of all rows and have no elements.
// Offers go over the same connection.
type OpenStream struct {
	Name    string
	X, Y    Tensor
	Classes []string
}

func (m *OpenStream) fields(c *Codec) {
	c.Str(&m.Name)
	m.X.fields(c)
	m.Y.fields(c)
	c.Strs(&m.Classes)
}

// Offer brings rows of a stream, from the row From on, or says by Fault why
// there are none; the first one brings nothing. The answer is a Pull when more
// rows are wanted, however long that takes, and an OK when they are not any more.
type Offer struct {
	Name  string
	From  int
	X, Y  Tensor
	Fault string
}

func (m *Offer) fields(c *Codec) {
	c.Str(&m.Name)
	c.Int(&m.From)
	m.X.fields(c)
	m.Y.fields(c)
	c.Str(&m.Fault)
}

// Pull asks for so many rows at most of a stream.
type Pull struct{ From, Rows int }

func (m *Pull) fields(c *Codec) {
	c.Int(&m.From)
	c.Int(&m.Rows)
}
