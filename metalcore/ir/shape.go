package ir

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Batch is the dimension of a model's leading axis, whose size is known only
// when the model is bound to a batch. In general a negative dimension -k
// stands for k times the batch size, so that reshapes may fold the batch into
// another axis: [B,64,32] reshapes to [64B,32].
const Batch = -1

// MaxElems bounds the number of elements of any value.
const MaxElems = 1 << 40

// Shape holds the size of each axis, outermost first. The empty shape is a
// scalar. At most one axis may depend on the batch.
type Shape []int

// Check reports whether the shape is one that a value may have.
func (s Shape) Check() error {
	n, batch := 1, 0
	for _, d := range s {
		if d < -MaxElems {
			return fmt.Errorf("shape %v has too many elements", s)
		}
		if d < 0 {
			batch++
			d = -d
		}
		d = max(d, 1) // an empty axis must not hide the others
		if d > MaxElems || n > MaxElems/d {
			return fmt.Errorf("shape %v has too many elements", s)
		}
		n *= d
	}
	if batch > 1 {
		return fmt.Errorf("shape %v depends on the batch in more than one axis", s)
	}
	return nil
}

// Elems is the number of elements; it is negative, a multiple of the batch
// size, while the batch is not bound.
func (s Shape) Elems() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// HasBatch reports whether an axis depends on the batch.
func (s Shape) HasBatch() bool {
	return slices.ContainsFunc(s, func(d int) bool { return d < 0 })
}

// Bind returns the shape for a batch of n rows.
func (s Shape) Bind(n int) Shape {
	out := slices.Clone(s)
	for i, d := range out {
		if d < 0 {
			out[i] = -d * n
		}
	}
	return out
}

// Equal reports whether the two shapes are the same.
func (s Shape) Equal(t Shape) bool { return slices.Equal(s, t) }

// String prints a shape as [B,8,8,1]; B is the batch, 64B is 64 times it.
func (s Shape) String() string {
	parts := make([]string, len(s))
	for i, d := range s {
		switch {
		case d == Batch:
			parts[i] = "B"
		case d < 0:
			parts[i] = strconv.Itoa(-d) + "B"
		default:
			parts[i] = strconv.Itoa(d)
		}
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// ParseShape is the inverse of Shape.String.
func ParseShape(text string) (Shape, error) {
	inner, ok := strings.CutPrefix(text, "[")
	inner, ok2 := strings.CutSuffix(inner, "]")
	if !ok || !ok2 {
		return nil, fmt.Errorf("shape %q is not written like [B,8,8,1]", text)
	}
	s := Shape{}
	if inner == "" {
		return s, nil
	}
	for _, part := range strings.Split(inner, ",") {
		d, err := parseDim(part)
		if err != nil {
			return nil, fmt.Errorf("shape %q: %w", text, err)
		}
		s = append(s, d)
	}
	return s, s.Check()
}

func parseDim(part string) (int, error) {
	digits, batch := strings.CutSuffix(part, "B")
	if batch && digits == "" {
		return Batch, nil
	}
	d, err := strconv.ParseUint(digits, 10, 62)
	if err != nil || batch && d == 0 {
		return 0, fmt.Errorf("%q is not a dimension", part)
	}
	if batch {
		return -int(d), nil
	}
	return int(d), nil
}
