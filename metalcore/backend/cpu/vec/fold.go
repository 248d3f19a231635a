package vec

import (
	"math"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

// folds are the functions of one variant that make a number of each row, of n
// numbers, or of each column.
type folds struct {
	sumRows     func(d, x unsafe.Pointer, rows, n int, divisor float64)
	maxRows     func(d, x unsafe.Pointer, rows, n int)
	sumColumns  func(d, x unsafe.Pointer, rows, stride, n int, divisor float64)
	spreadRows  func(d, x unsafe.Pointer, rows, n int)
	softmaxRows func(d, x, top, sum unsafe.Pointer, rows, n int)
	argmaxRows  func(d, x unsafe.Pointer, rows, n int)
	vanish      func(d, x unsafe.Pointer, n int)
}

var plainFolds = folds{sumRows, maxRows, sumColumns, spreadRows, softmaxRows, argmaxRows, vanish}

func pointer[T number](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

// SumRows writes to d the sum of each row of x, len(d) rows of n numbers,
// divided by the divisor. It sums in float64, in an order that depends on n
// only.
func SumRows(v asm.Variant, d, x []float32, n int, divisor float64) {
	x = x[:len(d)*n]
	foldsOf[v].sumRows(pointer(d), pointer(x), len(d), n, divisor)
}

// MaxRows writes the largest number of each row; NaN if there is one. n is not
// 0.
func MaxRows(v asm.Variant, d, x []float32, n int) {
	x = x[:len(d)*n]
	foldsOf[v].maxRows(pointer(d), pointer(x), len(d), n)
}

// SumColumns writes the sum of len(d) neighbouring columns of x, which begins
// with the first of them and has rows that are stride numbers apart, divided by
// the divisor. It sums in float64, in an order that depends on rows only.
// rows is not 0.
func SumColumns(v asm.Variant, d, x []float32, rows, stride int, divisor float64) {
	x = x[:(rows-1)*stride+len(d)]
	foldsOf[v].sumColumns(pointer(d), pointer(x), rows, stride, len(d), divisor)
}

// SpreadRows writes for each number of x a row of n times that number.
func SpreadRows(v asm.Variant, d, x []float32, n int) {
	d = d[:len(x)*n]
	foldsOf[v].spreadRows(pointer(d), pointer(x), len(x), n)
}

// SoftmaxRows writes e^(x - top) for each row of x, len(top) rows of n numbers,
// where top is the largest number of the row, and top and the sum of what was
// written. NaN anywhere makes the whole row NaN. n is not 0.
func SoftmaxRows(v asm.Variant, d, x, top, sum []float32, n int) {
	rows := len(top)
	d, x, sum = d[:rows*n], x[:rows*n], sum[:rows]
	foldsOf[v].softmaxRows(pointer(d), pointer(x), pointer(top), pointer(sum), rows, n)
}

// ArgmaxRows writes for each row of x where the first of its largest numbers
// is. A NaN is none of them; where nothing is above -Inf it writes 0.
func ArgmaxRows(v asm.Variant, d []int32, x []float32, n int) {
	x = x[:len(d)*n]
	foldsOf[v].argmaxRows(pointer(d), pointer(x), len(d), n)
}

// sumRows keeps four sums, so that an addition does not wait for the last.
// Vanish writes the sum of all numbers times 0: 0 if all are finite, else NaN.
func Vanish(v asm.Variant, sum *float32, x []float32) {
	foldsOf[v].vanish(unsafe.Pointer(sum), pointer(x), len(x))
}

func vanish(d, x unsafe.Pointer, n int) {
	var sum float32
	for _, y := range slice[float32](x, n) {
		sum += 0 * y
	}
	*(*float32)(d) = sum
}

func sumRows(d, x unsafe.Pointer, rows, n int, divisor float64) {
	out, in := slice[float32](d, rows), slice[float32](x, rows*n)
	for r := range out {
		var a, b, c, e float64
		row := in[r*n : (r+1)*n]
		for ; len(row) >= 4; row = row[4:] {
			a += float64(row[0])
			b += float64(row[1])
			c += float64(row[2])
			e += float64(row[3])
		}
		for _, y := range row {
			a += float64(y)
		}
		out[r] = float32(((a + b) + (c + e)) / divisor)
	}
}

func maxRows(d, x unsafe.Pointer, rows, n int) {
	out, in := slice[float32](d, rows), slice[float32](x, rows*n)
	for r := range out {
		out[r] = top(in[r*n : (r+1)*n])
	}
}

func top(row []float32) float32 {
	m := row[0]
	for _, y := range row[1:] {
		m = larger(m, y)
	}
	return m
}

// columns is how many columns are summed side by side.
const columns = 64

func sumColumns(d, x unsafe.Pointer, rows, stride, n int, divisor float64) {
	out, in := slice[float32](d, n), slice[float32](x, (rows-1)*stride+n)
	for from := 0; from < n; from += columns {
		k := min(columns, n-from)
		var even, odd [columns]float64
		for r := range rows {
			sums := &even
			if r%2 == 1 {
				sums = &odd
			}
			for j, y := range in[r*stride+from : r*stride+from+k] {
				sums[j] += float64(y)
			}
		}
		for j := range k {
			out[from+j] = float32((even[j] + odd[j]) / divisor)
		}
	}
}

func spreadRows(d, x unsafe.Pointer, rows, n int) {
	out := slice[float32](d, rows*n)
	for r, y := range slice[float32](x, rows) {
		row := out[r*n : (r+1)*n]
		for i := range row {
			row[i] = y
		}
	}
}

func softmaxRows(d, x, tops, sums unsafe.Pointer, rows, n int) {
	out, in := slice[float32](d, rows*n), slice[float32](x, rows*n)
	for r := range rows {
		row, m, sum := in[r*n:(r+1)*n], top(in[r*n:(r+1)*n]), 0.0
		for i, y := range row {
			e := math.Exp(float64(y - m))
			out[r*n+i] = float32(e)
			sum += e
		}
		slice[float32](tops, rows)[r], slice[float32](sums, rows)[r] = m, float32(sum)
	}
}

func argmaxRows(d, x unsafe.Pointer, rows, n int) {
	out, in := slice[int32](d, rows), slice[float32](x, rows*n)
	for r := range out {
		best, at := float32(math.Inf(-1)), 0
		for i, y := range in[r*n : (r+1)*n] {
			if y > best {
				best, at = y, i
			}
		}
		out[r] = int32(at)
	}
}
