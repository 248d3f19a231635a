package feed

import (
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// maxClasses bounds the number of classes that are counted from labels, so
// that a column of other integers is not taken for labels.
const maxClasses = 1 << 16

// Set is data for training or evaluation: row i of X belongs to row i of Y. X is
// of any type and stays so on the device, where images as u8 take a quarter of
// the memory of f32; a training step casts the rows that it takes. Y is either i32 [N], the number of a class, or f32 [N] or [N,K], the targets
// of a regression. A set is not changed once it is made.
//
// Where there is a Source it makes the rows of X, and X has a type and a shape
// but no data.
type Set struct {
	Name    string
	X, Y    Array
	Source  Source
	Stamp   string   // tells apart what sources read
	Skip    bool     // rows of the source that are faulty count nothing, instead of being an error
	W       Array    // f32 [N], what each row counts in the loss; no array when all count the same
	Classes []string // names of the classes; empty for a regression
	About   string   // source and licence
	Session string   // the notebook whose data it is; empty of what all share

	mu       sync.Mutex
	resident map[backend.Device]*Resident
	skipped  map[int]bool // rows of the source that are faulty
	leftOut  int          // faulty rows that whoever loaded the set left out
}

// NewSet makes a set of the user's arrays and checks it. Class labels may also
// be of other integers or bool, and [N,1]; targets may be halves. Without names the classes are called "0", "1" and so on.
func NewSet(name string, x, y Array, classes []string) (*Set, error) {
	switch {
	case y.DType.Half() && y.Check() == nil:
		y = y.Cast(ir.F32)
	case y.DType.Valid() && !y.DType.Float() && y.Check() == nil:
		y = y.Cast(ir.I32)
	}
	if y.DType == ir.I32 && len(y.Shape) == 2 && y.Shape[1] == 1 {
		y.Shape = y.Shape[:1]
	}
	s := &Set{Name: name, X: x, Y: y, Classes: slices.Clone(classes)}
	if y.DType == ir.I32 && len(classes) == 0 {
		top := int32(-1)
		for _, label := range y.I32s() {
			top = max(top, label)
		}
		if top >= maxClasses {
			return nil, fmt.Errorf("data %q: label %d: classes are numbered from 0, and there may be %d of them; "+
				"for a regression give the targets as f32", name, top, maxClasses)
		}
		for i := range top + 1 {
			s.Classes = append(s.Classes, strconv.Itoa(int(i)))
		}
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	return s, nil
}

// Len is the number of rows.
func (s *Set) Len() int { return s.X.Len() }

// XShape is the shape of one row of X.
func (s *Set) XShape() ir.Shape { return s.X.RowShape() }

// YShape is the shape of one row of Y, [] for class labels.
func (s *Set) YShape() ir.Shape { return s.Y.RowShape() }

// Bytes is the size of the data, wherever it is.
func (s *Set) Bytes() int64 { return s.rowSize() * int64(s.Len()) }

// rowSize is the number of bytes of a row with its label and weight.
func (s *Set) rowSize() int64 {
	n := int64(s.X.rowBytes() + s.Y.rowBytes())
	if s.Weighted() {
		n += 4
	}
	return n
}

// Weighted reports whether rows count differently.
func (s *Set) Weighted() bool { return s.W.DType != 0 || s.Skip && s.Source != nil }

// Check reports the first fault of the data, with its row and column: arrays
// that do not match, no rows, NaN or infinite numbers, labels out of range.
func (s *Set) Check() error {
	if err := s.check(); err != nil {
		return fmt.Errorf("data %q: %w", s.Name, err)
	}
	return nil
}

func (s *Set) check() error {
	if s.Source != nil {
		return s.checkSourced()
	}
	if err := s.X.Check(); err != nil {
		return fmt.Errorf("x: %w", err)
	}
	if err := s.Y.Check(); err != nil {
		return fmt.Errorf("y: %w", err)
	}
	switch {
	case s.X.Len() == 0 || s.XShape().Elems() == 0:
		return fmt.Errorf("x is %v: there must be at least one row with one number", s.X)
	case len(s.Y.Shape) == 0 || s.X.Len() != s.Y.Len():
		return fmt.Errorf("x is %v, y is %v: give one row of y for each row of x", s.X, s.Y)
	}
	if err := s.X.CheckFinite("x"); err != nil {
		return err
	}
	if err := s.checkWeights(); err != nil {
		return err
	}
	switch s.Y.DType {
	case ir.F32:
		return s.checkTargets()
	case ir.I32:
		return s.checkLabels()
	}
	return fmt.Errorf("y is %v: class labels are i32, targets f32", s.Y)
}

func (s *Set) checkWeights() error {
	if s.W.DType == 0 {
		return nil
	}
	if s.W.DType != ir.F32 || !s.W.Shape.Equal(ir.Shape{s.Len()}) {
		return fmt.Errorf("the weights are %v: give one number for each row, f32 [%d]", s.W, s.Len())
	}
	if err := s.W.Check(); err != nil {
		return fmt.Errorf("weights: %w", err)
	}
	sum := 0.0
	for i, w := range s.W.F32s() {
		if w < 0 {
			return fmt.Errorf("the weight of row %d is %v: use a number of 0 or more", i, w)
		}
		sum += float64(w)
	}
	if sum == 0 {
		return fmt.Errorf("all weights are 0: some row must count")
	}
	return s.W.CheckFinite("w")
}

func (s *Set) checkTargets() error {
	if len(s.Classes) > 0 {
		return fmt.Errorf("y is %v but there are %d classes: give class labels as i32 [%d]", s.Y, len(s.Classes), s.Len())
	}
	if len(s.Y.Shape) > 2 || s.YShape().Elems() == 0 {
		return fmt.Errorf("y is %v: the targets of a regression are f32 [N] or [N,K]", s.Y)
	}
	return s.Y.CheckFinite("y")
}

func (s *Set) checkLabels() error {
	if len(s.Y.Shape) != 1 {
		return fmt.Errorf("y is %v: class labels are i32 [%d]", s.Y, s.Len())
	}
	for i, label := range s.Y.I32s() {
		if label < 0 || int(label) >= len(s.Classes) {
			return fmt.Errorf("y holds the label %d in row %d: the %d classes are numbered 0 to %d",
				label, i, len(s.Classes), len(s.Classes)-1)
		}
	}
	return nil
}
