// Package linalg computes what graphs of ops do not: linear algebra and Fourier
// transforms, on the host, in float64, by gonum. Matrices are the last two axes
// of an array; the axes before count them.
package linalg

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Array holds numbers in row-major order.
type Array struct {
	Shape []int
	Data  []float64
}

// mostNumbers is how many a result may have.
const mostNumbers = 1 << 28

// Error is what is wrong with a call, and what to do.
type Error struct{ Message, Remedy string }

func (e *Error) Error() string { return e.Message }

func failed(remedy, format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...), Remedy: remedy}
}

// function computes one call. n is its setting, where it has one.
type function struct {
	arity int
	run   func(n int, in []Array) []Array // panics with an error
	any   bool                            // NaN and infinities, too
}

// functions are named as in NumPy.
var functions = map[string]function{}

func init() {
	for _, family := range []map[string]function{solvers, decompositions, transforms} {
		maps.Copy(functions, family)
	}
}

// Call computes the function of that name.
func Call(name string, n int, in []Array) (out []Array, err error) {
	f, ok := functions[name]
	if !ok {
		return nil, failed("there are "+strings.Join(slices.Sorted(maps.Keys(functions)), ", "), "there is no function %q", name)
	}
	if len(in) != f.arity {
		return nil, failed("", "%s: %d arrays, it takes %d", name, len(in), f.arity)
	}
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, named(name, r)
		}
	}()
	for i, x := range in {
		if bad := slices.IndexFunc(x.Data, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }); bad >= 0 && !f.any {
			return nil, failed("all numbers must be finite", "%s: operand %d holds %v", name, i+1, x.Data[bad])
		}
	}
	return f.run(n, in), nil
}

func named(name string, r any) error {
	if e, ok := r.(*Error); ok {
		return &Error{Message: name + ": " + e.Message, Remedy: e.Remedy}
	}
	return failed("", "%s: %v", name, r) // gonum's own complaint
}

// zeros makes an array.
func zeros(shape ...int) Array {
	n := 1
	for _, d := range shape {
		if d > 0 && n > mostNumbers/d {
			panic(failed("use less at a time", "the result %v has too many numbers", shape))
		}
		n *= d
	}
	return Array{Shape: shape, Data: make([]float64, n)}
}

// matrices says how many matrices an array holds, and their size.
func matrices(x Array) (lead []int, count, rows, cols int) {
	k := len(x.Shape) - 2
	if k < 0 {
		panic(failed("give a matrix, or several of them", "%v is the shape of no matrix", x.Shape))
	}
	lead, rows, cols = x.Shape[:k], x.Shape[k], x.Shape[k+1]
	count = 1
	for _, d := range lead {
		count *= d
	}
	return lead, count, rows, cols
}

// squares is matrices that must be square.
func squares(x Array) (lead []int, count, n int) {
	lead, count, n, cols := matrices(x)
	if n != cols {
		panic(failed("give a square matrix", "a matrix of %d rows and %d columns is not square", n, cols))
	}
	return lead, count, n
}

// of is the numbers of one matrix, or other part, of size n.
func of(x Array, i, n int) []float64 { return x.Data[i*n : (i+1)*n] }

// with appends axes to the leading ones.
func with(lead []int, axes ...int) []int { return slices.Concat(lead, axes) }

// which names one of several matrices in an error.
func which(i, count int) string {
	if count == 1 {
		return "the matrix"
	}
	return fmt.Sprintf("matrix %d of %d", i, count)
}
