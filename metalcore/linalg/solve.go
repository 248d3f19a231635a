package linalg

import (
	"slices"

	"gonum.org/v1/gonum/mat"
)

var solvers = map[string]function{
	"solve":       {arity: 2, run: solve},
	"inv":         {arity: 1, run: inv},
	"det":         {arity: 1, run: det},
	"slogdet":     {arity: 1, run: slogdet},
	"lstsq":       {arity: 2, run: lstsq},
	"pinv":        {arity: 1, run: pinv},
	"matrix_rank": {arity: 1, run: rank},
	"expm":        {arity: 1, run: expm},
}

// factorized is the LU factorization of a matrix that is not singular.
func factorized(a []float64, n, i, count int) *mat.LU {
	var lu mat.LU
	lu.Factorize(mat.NewDense(n, n, slices.Clone(a)))
	if c := lu.Cond(); c > mat.ConditionTolerance {
		panic(failed("use LstSq or PInv, or add a little to the diagonal", "%s is singular, or so nearly that nothing is left (condition number %.2g)", which(i, count), c))
	}
	return &lu
}

// solve solves a x = b by LU with pivoting; b is one vector, or matrices.
func solve(_ int, in []Array) []Array {
	a, b := in[0], in[1]
	lead, count, n := squares(a)
	shape := slices.Clone(b.Shape)
	if len(b.Shape) == 1 {
		b.Shape = []int{len(b.Data), 1}
		shape = with(lead, len(b.Data))
	}
	leadB, countB, rows, cols := matrices(b)
	one := len(leadB) == 0
	if rows != n || !one && !slices.Equal(lead, leadB) {
		panic(failed("give as many rows as the matrix has, and as many matrices, or one", "matrices %v and right sides %v do not fit", a.Shape, in[1].Shape))
	}
	if one && len(in[1].Shape) > 1 {
		shape = with(lead, n, cols)
	}
	out := zeros(shape...)
	if len(out.Data) == 0 {
		return []Array{out}
	}
	for i := range count {
		right := b.Data
		if countB > 1 || !one {
			right = of(b, i, n*cols)
		}
		lu := factorized(of(a, i, n*n), n, i, count)
		x := mat.NewDense(n, cols, of(out, i, n*cols))
		if err := lu.SolveTo(x, false, mat.NewDense(n, cols, slices.Clone(right))); err != nil {
			panic(err)
		}
	}
	return []Array{out}
}

func inv(_ int, in []Array) []Array {
	_, count, n := squares(in[0])
	out := zeros(in[0].Shape...)
	for i := range count {
		if n == 0 {
			break
		}
		lu := factorized(of(in[0], i, n*n), n, i, count)
		eye := mat.NewDiagDense(n, slices.Repeat([]float64{1}, n))
		if err := lu.SolveTo(mat.NewDense(n, n, of(out, i, n*n)), false, mat.DenseCopyOf(eye)); err != nil {
			panic(err)
		}
	}
	return []Array{out}
}

// eachLU calls f with the factorization of each matrix; those of no elements
// are left out.
func eachLU(x Array, f func(i int, lu *mat.LU)) (lead []int) {
	lead, count, n := squares(x)
	for i := range count {
		if n == 0 {
			break
		}
		var lu mat.LU
		lu.Factorize(mat.NewDense(n, n, slices.Clone(of(x, i, n*n))))
		f(i, &lu)
	}
	return lead
}

func det(_ int, in []Array) []Array {
	lead, count, _ := squares(in[0])
	out := zeros(lead...)
	for i := range count {
		out.Data[i] = 1
	}
	eachLU(in[0], func(i int, lu *mat.LU) { out.Data[i] = lu.Det() })
	return []Array{out}
}

// slogdet is the sign of the determinant and the logarithm of its size.
func slogdet(_ int, in []Array) []Array {
	lead, count, _ := squares(in[0])
	sign, log := zeros(lead...), zeros(lead...)
	for i := range count {
		sign.Data[i] = 1
	}
	eachLU(in[0], func(i int, lu *mat.LU) {
		log.Data[i], sign.Data[i] = lu.LogDet()
		if lu.Det() == 0 && log.Data[i] < -1e300 {
			sign.Data[i] = 0
		}
	})
	return []Array{sign, log}
}

// lstsq makes the x for which a x is nearest to b, the shortest one of several.
func lstsq(_ int, in []Array) []Array {
	inverse := pinv(0, in[:1])[0]
	b := in[1]
	lead, count, n, m := matrices(inverse)
	vector := len(b.Shape) == 1
	if vector {
		b.Shape = []int{len(b.Data), 1}
	}
	leadB, _, rows, cols := matrices(b)
	if rows != m || !slices.Equal(lead, leadB) && len(leadB) > 0 {
		panic(failed("give as many rows as the matrix has, and as many matrices, or one", "matrices %v and right sides %v do not fit", in[0].Shape, in[1].Shape))
	}
	out := zeros(with(lead, n, cols)...)
	for i := range count {
		if len(out.Data) == 0 || m == 0 {
			break
		}
		right := b.Data
		if len(leadB) > 0 {
			right = of(b, i, m*cols)
		}
		mat.NewDense(n, cols, of(out, i, n*cols)).Mul(mat.NewDense(n, m, of(inverse, i, n*m)), mat.NewDense(m, cols, right))
	}
	if vector {
		out.Shape = with(lead, n)
	}
	return []Array{out}
}

// cut is what NumPy's pinv and matrix_rank take for 0, relative to the largest
// singular value, for numbers that came as f32.
func cut(rows, cols int) float64 { return float64(max(rows, cols)) * 0x1p-23 }

// pinv is the pseudo-inverse of Moore and Penrose, by singular values.
func pinv(_ int, in []Array) []Array {
	lead, count, rows, cols := matrices(in[0])
	out := zeros(with(lead, cols, rows)...)
	if len(out.Data) == 0 {
		return []Array{out}
	}
	parts := svd(0, in)
	k := min(rows, cols)
	for i := range count {
		u, s, vt := of(parts[0], i, rows*k), of(parts[1], i, k), slices.Clone(of(parts[2], i, k*cols))
		for j := range k {
			scale := 0.0
			if s[j] > cut(rows, cols)*s[0] {
				scale = 1 / s[j]
			}
			for c := range cols {
				vt[j*cols+c] *= scale
			}
		}
		mat.NewDense(cols, rows, of(out, i, cols*rows)).Mul(mat.NewDense(k, cols, vt).T(), mat.NewDense(rows, k, u).T())
	}
	return []Array{out}
}

// rank is the number of singular values that are not 0.
func rank(_ int, in []Array) []Array {
	lead, count, rows, cols := matrices(in[0])
	out := zeros(lead...)
	if rows*cols == 0 {
		return []Array{out}
	}
	values := svd(0, in)[1]
	k := min(rows, cols)
	for i := range count {
		s := of(values, i, k)
		for _, x := range s {
			if x > cut(rows, cols)*s[0] {
				out.Data[i]++
			}
		}
	}
	return []Array{out}
}

// expm is the matrix exponential, 1 + a + a^2/2 + ...
func expm(_ int, in []Array) []Array {
	_, count, n := squares(in[0])
	out := zeros(in[0].Shape...)
	for i := range count {
		if n == 0 {
			break
		}
		var e mat.Dense
		e.Exp(mat.NewDense(n, n, of(in[0], i, n*n)))
		copy(of(out, i, n*n), e.RawMatrix().Data)
	}
	return []Array{out}
}
