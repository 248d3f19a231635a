package nb

import (
	"fmt"
	"iter"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Stream is data whose rows a function of the cell makes, with as many rows as
// an epoch has. It yields x and y of one row after the other, of the types that
// Data takes, until yield returns false; an epoch later it begins anew. Name the
// classes where y is a class.
//
//	nb.Stream("circles", 10_000, func(yield func(x, y any) bool) {
//		r := rand.New(rand.NewPCG(1, 2))
//		for {
//			x := []float32{r.Float32(), r.Float32()}
//			if !yield(x, math.Hypot(float64(x[0]), float64(x[1])) < 1) {
//				return
//			}
//		}
//	}, "outside", "inside")
//
// The core asks for rows as training needs them, some batches at a time, and takes
// them in the order in which they are made: nothing shuffles them. They are made in the cell's program, so train while it runs, by Fit or
// Wait. When it ends training stops, and goes on with the next Fit of a cell that
// declares the stream: the function runs again, and must make the same rows
// again, up to the row where training is.
func Stream(name string, rows int, make func(yield func(x, y any) bool), classes ...string) *Dataset {
	switch {
	case name == "":
		argument(`like nb.Stream("circles", 1000, ...)`, "a stream needs a name")
	case rows < 1:
		argument("say how many rows an epoch has", "stream %q: %d rows", name, rows)
	case make == nil:
		argument("give it a function that yields rows", "stream %q has no function", name)
	}
	s := &rowMaker{name: name, rows: rows, make: make, classes: classes}
	return brought(name, s.open)
}

// rowMaker is the cell's end of a stream.
type rowMaker struct {
	name    string
	rows    int
	make    iter.Seq2[any, any]
	classes []string

	x, y wire.Tensor // types and shapes of a row
	next func() (x, y any, ok bool)
	stop func()
	at   int // the row that next makes
}

// open declares the stream, by its first row, and begins to serve it.
func (s *rowMaker) open() error {
	for x, y := range s.make {
		tx, ty, err := packRow(x, y)
		if err != nil {
			return s.fault(0, err)
		}
		s.x, s.y = wire.Tensor{DType: tx.DType, Shape: tx.Shape}, wire.Tensor{DType: ty.DType, Shape: ty.Shape}
		break
	}
	if s.x.DType == "" {
		return &Error{Code: CodeData, Message: fmt.Sprintf("the function of stream %q makes no rows", s.name)}
	}
	all := func(t wire.Tensor) wire.Tensor {
		return wire.Tensor{DType: t.DType, Shape: append([]int{s.rows}, t.Shape...)}
	}
	conn, err := borrow()
	if err != nil {
		return err
	}
	if _, err := conn.Call(&wire.OpenStream{Name: s.name, X: all(s.x), Y: all(s.y), Classes: s.classes}); err != nil {
		lose(conn)
		return err
	}
	go s.serve(conn)
	return nil
}

func (s *rowMaker) fault(row int, err error) error {
	return &Error{Code: CodeData, Message: fmt.Sprintf("stream %q, row %d: %v", s.name, row, err),
		Remedy: "yield numbers, all rows of one type and shape"}
}

// packRow makes tensors of what was yielded. A label is a class as in Data: of
// whatever type of integers, or bool.
func packRow(x, y any) (tx, ty *wire.Tensor, err error) {
	if tx, err = pack(x); err != nil {
		return nil, nil, fmt.Errorf("x: %w", err)
	}
	if ty, err = pack(y); err != nil {
		return nil, nil, fmt.Errorf("y: %w", err)
	}
	if len(tx.Shape) == 0 {
		tx.Shape = []int{1}
	}
	if dtype, err := ir.ParseDType(ty.DType); err == nil && !dtype.Float() && dtype != ir.I32 {
		label := ir.Elements(dtype, ty.Data)
		ty.DType, ty.Data = ir.I32.String(), nil
		for _, v := range label {
			ty.Data = ir.AppendElement(ty.Data, ir.I32, v)
		}
	}
	return tx, ty, nil
}

// serve brings rows to the core as it asks for them, until the program ends or
// another one serves the stream.
func (s *rowMaker) serve(conn *wire.Conn) {
	defer conn.Close()
	offer := &wire.Offer{Name: s.name, X: s.x, Y: s.y}
	offer.X.Shape, offer.Y.Shape = append([]int{0}, s.x.Shape...), append([]int{0}, s.y.Shape...)
	err := conn.Send(offer)
	for err == nil {
		var m wire.Message
		if m, err = conn.Recv(); err != nil {
			return
		}
		pull, ok := m.(*wire.Pull)
		if !ok {
			return // it is served by others, or the core ends
		}
		err = conn.Send(s.block(pull.From, pull.Rows))
	}
}

// block makes some rows.
func (s *rowMaker) block(from, rows int) *wire.Offer {
	o := &wire.Offer{Name: s.name, From: from, X: s.x, Y: s.y}
	for n := 0; n < min(rows, s.rows-from); n++ {
		x, y, err := s.row(from + n)
		if err != nil && n > 0 {
			break // said when its turn has come
		}
		if err != nil {
			o.X.Shape, o.Y.Shape = append([]int{0}, s.x.Shape...), append([]int{0}, s.y.Shape...)
			o.Fault = err.Error()
			return o
		}
		o.X.Data, o.Y.Data = append(o.X.Data, x.Data...), append(o.Y.Data, y.Data...)
		o.X.Shape, o.Y.Shape = append([]int{n + 1}, s.x.Shape...), append([]int{n + 1}, s.y.Shape...)
	}
	for _, t := range []*wire.Tensor{&o.X, &o.Y} {
		if err := exportTensor(t); err != nil {
			return &wire.Offer{Name: s.name, From: from, X: s.x, Y: s.y, Fault: err.Error()}
		}
	}
	return o
}

// row makes a row; those before it are made and left out if need be.
func (s *rowMaker) row(i int) (x, y *wire.Tensor, err error) {
	if s.next == nil || s.at > i {
		if s.stop != nil {
			s.stop()
		}
		s.at = 0
		s.next, s.stop = iter.Pull2(s.make)
	}
	for ; ; s.at++ {
		vx, vy, ok := s.next()
		if !ok {
			s.next = nil
			return nil, nil, fmt.Errorf("the function ended after %d rows, and %d were declared", s.at, s.rows)
		}
		if s.at < i {
			continue
		}
		s.at++
		if x, y, err = packRow(vx, vy); err != nil {
			return nil, nil, err
		}
		if x.DType != s.x.DType || y.DType != s.y.DType || !slices.Equal(x.Shape, s.x.Shape) || !slices.Equal(y.Shape, s.y.Shape) {
			return nil, nil, fmt.Errorf("x is %s%v and y is %s%v, and in the first row %s%v and %s%v",
				x.DType, x.Shape, y.DType, y.Shape, s.x.DType, s.x.Shape, s.y.DType, s.y.Shape)
		}
		return x, y, nil
	}
}
