package nb

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// String prints an array as NumPy does. A model's value, which has no numbers
// yet, prints its op and type.
func (t *Tensor) String() string {
	if t.v.Shape.HasBatch() {
		return fmt.Sprintf("Tensor(%s %s)", t.v.Op, t.v.Type())
	}
	return formatArray(t.Values(), t.v.Shape, t.v.DType)
}

// Tensors of more than summarize elements show only the first and last edge
// elements of each axis, and lines are at most lineWidth wide: NumPy's
// settings.
const (
	summarize = 1000
	edge      = 3
	lineWidth = 75
	precision = 8
)

// formatArray prints elements in row-major order.
func formatArray(values []float64, shape []int, dtype ir.DType) string {
	if dtype.Half() {
		values = shortest(values, dtype)
	}
	f := formatter{values: values, shape: shape, short: len(values) > summarize}
	if len(values) == 0 {
		return "[]"
	}
	if len(shape) == 0 {
		return formatScalar(values[0], dtype)
	}
	f.elem = elementFormat(f.visible(0, 0, nil), dtype)
	var b []byte
	f.write(&b, 0, 0, "")
	return string(b)
}

// formatter prints one array.
type formatter struct {
	values []float64
	shape  []int
	short  bool
	elem   func(float64) string
}

// formatScalar prints the element of an array without axes.
func formatScalar(x float64, dtype ir.DType) string {
	if dtype == ir.Bool {
		return truthText(x)
	}
	if !dtype.Float() {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	if s := notFinite(x); s != "" {
		return s
	}
	if a := math.Abs(x); a > 0 && (a < 1e-4 || a >= large(dtype)) {
		return strconv.FormatFloat(x, 'e', -1, 32)
	}
	s := strconv.FormatFloat(x, 'f', -1, 32)
	if strings.Contains(s, ".") {
		return s
	}
	return s + ".0"
}

// large is from where on numbers of a type are written with an exponent, because
// they have no more digits.
func large(dtype ir.DType) float64 {
	if dtype == ir.F16 {
		return 1e3
	}
	return 1e6
}

// notFinite is the text of NaN and infinities, "" for all others.
func notFinite(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	return ""
}

// indices lists what is shown of an axis; -1 stands for the dots.
func (f *formatter) indices(axis int) []int {
	n := f.shape[axis]
	var out []int
	for i := range n {
		switch {
		case !f.short || n <= 2*edge || i < edge || i >= n-edge:
			out = append(out, i)
		case i == edge:
			out = append(out, -1)
		}
	}
	return out
}

// visible collects the elements that are shown, which decide the format.
func (f *formatter) visible(axis, at int, out []float64) []float64 {
	if axis == len(f.shape) {
		return append(out, f.values[at])
	}
	for _, i := range f.indices(axis) {
		if i >= 0 {
			out = f.visible(axis+1, at*f.shape[axis]+i, out)
		}
	}
	return out
}

func (f *formatter) write(b *[]byte, axis, at int, indent string) {
	*b = append(*b, '[')
	indent += " "
	last := axis == len(f.shape)-1
	column := len(indent)
	for k, i := range f.indices(axis) {
		text := "..."
		if i >= 0 && last {
			text = f.elem(f.values[at*f.shape[axis]+i])
		}
		if k > 0 {
			switch {
			case !last:
				*b = append(*b, (strings.Repeat("\n", len(f.shape)-1-axis) + indent)...)
			case column+1+len(text) > lineWidth-len(f.shape): // with room for the brackets
				*b = bytes.TrimRight(*b, " ")
				*b = append(*b, ("\n" + indent)...)
				column = len(indent)
			default:
				*b = append(*b, ' ')
				column++
			}
		}
		if i >= 0 && !last {
			f.write(b, axis+1, at*f.shape[axis]+i, indent)
			continue
		}
		*b = append(*b, text...)
		column += len(text)
	}
	*b = append(*b, ']')
}

// elementFormat chooses one format for all elements, as NumPy does: integers
// right-aligned; numbers with as many digits as the longest needs, at most
// eight behind the point; in scientific notation when they differ by more than
// a factor of 1000 or are very large or small, as NumPy 2.4 does.
func elementFormat(values []float64, dtype ir.DType) func(float64) string {
	format := func(x float64) string { return strconv.FormatFloat(x, 'f', 0, 64) }
	switch {
	case dtype == ir.Bool:
		format = func(x float64) string { return fmt.Sprintf("%5s", truthText(x)) }
	case dtype.Float():
		format = floatFormat(values, large(dtype))
	}
	width := 0
	for _, x := range values {
		width = max(width, len(format(x)))
	}
	return func(x float64) string { return fmt.Sprintf("%*s", width, format(x)) }
}

func truthText(x float64) string {
	if x != 0 {
		return "True"
	}
	return "False"
}

// shortest replaces halves by the numbers of the fewest digits that are rounded
// to them.
func shortest(values []float64, dtype ir.DType) []float64 {
	out := slices.Clone(values)
	for i, x := range values {
		for digits := range 8 {
			short, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', digits, 64), 64)
			if err == nil && ir.RoundTo(dtype, short) == x {
				out[i] = short
				break
			}
		}
	}
	return out
}

func floatFormat(values []float64, large float64) func(float64) string {
	lo, hi := math.Inf(1), 0.0
	for _, x := range values {
		if a := math.Abs(x); a > 0 && !math.IsInf(a, 0) && !math.IsNaN(a) {
			lo, hi = min(lo, a), max(hi, a)
		}
	}
	scientific := hi >= large || hi > 0 && (float32(lo) < 1e-4 || float32(hi)/float32(lo) > 1000)
	verb := byte('f')
	if scientific {
		verb = 'e'
	}
	left, digits := 0, 0
	for _, x := range values {
		if math.IsInf(x, 0) || math.IsNaN(x) {
			continue
		}
		before, after := splitDigits(x, verb)
		left, digits = max(left, before), max(digits, after)
	}
	return func(x float64) string {
		if s := notFinite(x); s != "" {
			return s
		}
		if verb == 'e' {
			return withPoint(strconv.FormatFloat(x, 'e', digits, 32), digits)
		}
		before, after := splitDigits(x, 'f')
		s := strconv.FormatFloat(float64(float32(x)), 'f', min(after, digits), 32)
		if after == 0 {
			s += "."
		}
		return strings.Repeat(" ", left-before) + s + strings.Repeat(" ", digits-after)
	}
}

// withPoint keeps the point of a mantissa that has no digits behind it.
func withPoint(s string, digits int) string {
	if digits > 0 {
		return s
	}
	return strings.Replace(s, "e", ".e", 1)
}

// splitDigits counts the characters before and behind the point that the
// shortest form of x takes, behind it at most the precision.
func splitDigits(x float64, verb byte) (before, after int) {
	s := strconv.FormatFloat(x, verb, -1, 32)
	s, _, _ = strings.Cut(s, "e")
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > precision {
		s = strings.TrimRight(strconv.FormatFloat(x, 'f', precision, 32), "0")
		whole, frac, _ = strings.Cut(s, ".")
	}
	return len(whole), min(len(frac), precision)
}
