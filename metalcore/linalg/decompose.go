package linalg

import (
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

var decompositions = map[string]function{
	"cholesky": {arity: 1, run: cholesky},
	"qr":       {arity: 1, run: qr},
	"svd":      {arity: 1, run: svd},
	"eigh":     {arity: 1, run: eigh},
	"eig":      {arity: 1, run: eig},
}

// symmetric reads the lower triangle of a matrix, as NumPy does.
func symmetric(a []float64, n int) *mat.SymDense {
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			s.SetSym(i, j, a[i*n+j])
		}
	}
	return s
}

// cholesky is the lower triangle l of a = l l^T.
func cholesky(_ int, in []Array) []Array {
	_, count, n := squares(in[0])
	out := zeros(in[0].Shape...)
	for i := range count {
		if n == 0 {
			break
		}
		var c mat.Cholesky
		if !c.Factorize(symmetric(of(in[0], i, n*n), n)) {
			panic(failed("a covariance, or x.Transpose().MatMul(x) plus a little on the diagonal, is", "%s is not positive definite", which(i, count)))
		}
		l := mat.NewTriDense(n, mat.Lower, nil)
		c.LTo(l)
		for r := range n {
			for k := range r + 1 {
				out.Data[i*n*n+r*n+k] = l.At(r, k)
			}
		}
	}
	return []Array{out}
}

// qr is a = q r with orthonormal columns of q, as many as a has or rows if
// these are fewer, and an upper triangle r.
func qr(_ int, in []Array) []Array {
	lead, count, rows, cols := matrices(in[0])
	k := min(rows, cols)
	q, r := zeros(with(lead, rows, k)...), zeros(with(lead, k, cols)...)
	for i := range count {
		if k == 0 {
			break
		}
		a := blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: slices.Clone(of(in[0], i, rows*cols))}
		tau := make([]float64, k)
		work := make([]float64, 64*max(rows, cols)) // room for blocks
		lapack64.Geqrf(a, tau, work, len(work))
		for row := range k {
			copy(of(r, i, k*cols)[row*cols+row:(row+1)*cols], a.Data[row*cols+row:])
		}
		thin := blas64.General{Rows: rows, Cols: k, Stride: k, Data: of(q, i, rows*k)}
		for row := range rows {
			copy(thin.Data[row*k:(row+1)*k], a.Data[row*cols:])
		}
		lapack64.Orgqr(thin, tau, work, len(work))
	}
	return []Array{q, r}
}

// svd is a = u diag(s) vt, with the singular values s from the largest to the
// smallest.
func svd(_ int, in []Array) []Array {
	lead, count, rows, cols := matrices(in[0])
	k := min(rows, cols)
	u, s, vt := zeros(with(lead, rows, k)...), zeros(with(lead, k)...), zeros(with(lead, k, cols)...)
	for i := range count {
		if k == 0 {
			break
		}
		var f mat.SVD
		if !f.Factorize(mat.NewDense(rows, cols, of(in[0], i, rows*cols)), mat.SVDThin) {
			panic(failed("", "the singular values of %s were not found", which(i, count)))
		}
		f.Values(of(s, i, k))
		var left, right mat.Dense
		f.UTo(&left)
		f.VTo(&right)
		mat.NewDense(rows, k, of(u, i, rows*k)).Copy(&left)
		mat.NewDense(k, cols, of(vt, i, k*cols)).Copy(right.T())
	}
	return []Array{u, s, vt}
}

// eigh is the eigenvalues of symmetric matrices, from the smallest to the
// largest, and their vectors as columns.
func eigh(_ int, in []Array) []Array {
	lead, count, n := squares(in[0])
	w, v := zeros(with(lead, n)...), zeros(in[0].Shape...)
	for i := range count {
		if n == 0 {
			break
		}
		var f mat.EigenSym
		if !f.Factorize(symmetric(of(in[0], i, n*n), n), true) {
			panic(failed("", "the eigenvalues of %s were not found", which(i, count)))
		}
		f.Values(of(w, i, n))
		var vectors mat.Dense
		f.VectorsTo(&vectors)
		mat.NewDense(n, n, of(v, i, n*n)).Copy(&vectors)
	}
	return []Array{w, v}
}

// eig is the eigenvalues of any square matrices and their vectors as columns:
// real parts, imaginary parts, those of the vectors.
func eig(_ int, in []Array) []Array {
	lead, count, n := squares(in[0])
	re, im, vre, vim := zeros(with(lead, n)...), zeros(with(lead, n)...), zeros(in[0].Shape...), zeros(in[0].Shape...)
	for i := range count {
		if n == 0 {
			break
		}
		var f mat.Eigen
		if !f.Factorize(mat.NewDense(n, n, of(in[0], i, n*n)), mat.EigenRight) {
			panic(failed("", "the eigenvalues of %s were not found", which(i, count)))
		}
		for j, x := range f.Values(nil) {
			re.Data[i*n+j], im.Data[i*n+j] = real(x), imag(x)
		}
		var vectors mat.CDense
		f.VectorsTo(&vectors)
		for r := range n {
			for c := range n {
				x := vectors.At(r, c)
				vre.Data[(i*n+r)*n+c], vim.Data[(i*n+r)*n+c] = real(x), imag(x)
			}
		}
	}
	return []Array{re, im, vre, vim}
}
