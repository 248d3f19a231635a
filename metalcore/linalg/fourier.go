package linalg

import (
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"
)

// transforms go along the last axis. Complex numbers are two arrays, of real
// and of imaginary parts.
var transforms = map[string]function{
	"fft":   {arity: 2, run: fft, any: true},
	"ifft":  {arity: 2, run: ifft, any: true},
	"rfft":  {arity: 1, run: rfft, any: true},
	"irfft": {arity: 2, run: irfft, any: true},
}

// lines says how many lines lie along the last axis, and their length.
func lines(x Array) (lead []int, count, n int) {
	last := len(x.Shape) - 1
	if last < 0 || x.Shape[last] == 0 {
		panic(failed("give it at least one", "there are no numbers along the last axis of %v", x.Shape))
	}
	n = x.Shape[last]
	return x.Shape[:last], len(x.Data) / n, n
}

// complexes calls f for each line of two arrays.
func complexes(in []Array, f func(i int, line []complex128)) {
	if !slices.Equal(in[0].Shape, in[1].Shape) {
		panic(failed("give both one shape", "real parts %v and imaginary parts %v do not fit", in[0].Shape, in[1].Shape))
	}
	_, count, n := lines(in[0])
	line := make([]complex128, n)
	for i := range count {
		for j := range line {
			line[j] = complex(in[0].Data[i*n+j], in[1].Data[i*n+j])
		}
		f(i, line)
	}
}

// fft is y[k] = sum over j of x[j] e^(-2 pi i j k / n).
func fft(_ int, in []Array) []Array {
	_, _, n := lines(in[0])
	plan := fourier.NewCmplxFFT(n)
	return transformed(in, 1, func(line []complex128) []complex128 { return plan.Coefficients(nil, line) })
}

// ifft goes back: with the other sign, divided by n.
func ifft(_ int, in []Array) []Array {
	_, _, n := lines(in[0])
	plan := fourier.NewCmplxFFT(n)
	return transformed(in, 1/float64(n), func(line []complex128) []complex128 { return plan.Sequence(nil, line) })
}

func transformed(in []Array, scale float64, f func([]complex128) []complex128) []Array {
	re, im := zeros(in[0].Shape...), zeros(in[0].Shape...)
	complexes(in, func(i int, line []complex128) {
		for j, c := range f(line) {
			re.Data[i*len(line)+j], im.Data[i*len(line)+j] = real(c)*scale, imag(c)*scale
		}
	})
	return []Array{re, im}
}

// rfft is the first n/2+1 numbers of fft of real numbers; the others mirror
// them.
func rfft(_ int, in []Array) []Array {
	lead, count, n := lines(in[0])
	half := n/2 + 1
	re, im := zeros(with(lead, half)...), zeros(with(lead, half)...)
	plan := fourier.NewFFT(n)
	for i := range count {
		for j, c := range plan.Coefficients(nil, of(in[0], i, n)) {
			re.Data[i*half+j], im.Data[i*half+j] = real(c), imag(c)
		}
	}
	return []Array{re, im}
}

// irfft makes the n real numbers of which in is the rfft.
func irfft(n int, in []Array) []Array {
	lead, _, half := lines(in[0])
	if n < 1 || half != n/2+1 {
		panic(failed("give n/2+1 complex numbers for n real ones", "%d complex numbers do not make %d real ones", half, n))
	}
	out := zeros(with(lead, n)...)
	plan := fourier.NewFFT(n)
	complexes(in, func(i int, line []complex128) {
		for j, x := range plan.Sequence(nil, line) {
			out.Data[i*n+j] = x / float64(n)
		}
	})
	return []Array{out}
}
