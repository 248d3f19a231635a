package nb

// Linear algebra of matrices, the last two axes of a tensor; the axes before
// count them. The core computes it at once, in float64, by gonum, and gives f32
// back. So errors, like that of a singular matrix, come where the call stands.

// Inv is the inverse of square matrices [..., n, n].
func (t *Tensor) Inv() *Tensor { return t.inverse(inCore("inv", 0, t)[0]) }

// Solve is the x of t x = b, for square matrices t [..., n, n] and right sides
// b: one vector [n], or matrices [..., n, k].
func (t *Tensor) Solve(b *Tensor) *Tensor { return t.nearest(b, inCore("solve", 0, t, b)[0], t, b) }

// Det is the determinant of square matrices.
func (t *Tensor) Det() *Tensor {
	d := inCore("det", 0, t)[0]
	if t.order() == 0 {
		return d
	}
	return d.Mul(t.logDetChange().Exp())
}

// SlogDet is the determinant's sign and the logarithm of its size, which do not
// overflow.
func (t *Tensor) SlogDet() (sign, log *Tensor) {
	r := inCore("slogdet", 0, t)
	if t.order() > 0 {
		r[1] = r[1].Add(t.logDetChange())
	}
	return r[0], r[1]
}

// Cholesky is the lower triangle l of t = l l^T, for symmetric positive definite
// matrices, of which it reads the lower triangle.
func (t *Tensor) Cholesky() *Tensor {
	if t.order() > 0 {
		t = t.Add(t.SwapAxes(-1, -2)).Div(2)
	}
	return t.factor(inCore("cholesky", 0, t)[0])
}

// QR is t = q r for matrices [..., m, n], with k = min(m, n) orthonormal columns
// of q [..., m, k] and an upper triangle r [..., k, n]. Its gradient needs at
// least as many rows as columns, and independent ones.
func (t *Tensor) QR() (q, r *Tensor) {
	out := inCore("qr", 0, t)
	return t.orthonormal(out[0], out[1])
}

// SVD is the singular value decomposition t = u diag(s) vt of matrices
// [..., m, n], with k = min(m, n) singular values s, the largest first, u
// [..., m, k] and vt [..., k, n]. Its gradient needs singular values that differ,
// and are not 0.
func (t *Tensor) SVD() (u, s, vt *Tensor) {
	out := inCore("svd", 0, t)
	if out[0].v.Shape.Elems() >= out[2].v.Shape.Elems() {
		u, s, v := t.singular(out[0], out[1], out[2].SwapAxes(-1, -2))
		return u, s, v.SwapAxes(-1, -2)
	}
	v, s, u := t.SwapAxes(-1, -2).singular(out[2].SwapAxes(-1, -2), out[1], out[0])
	return u, s, v.SwapAxes(-1, -2)
}

// Eigh is the eigenvalues w [..., n] of symmetric matrices, the smallest first,
// and their vectors, the columns of v [..., n, n]. It reads the lower triangle.
// The gradient of vectors needs eigenvalues that differ.
func (t *Tensor) Eigh() (w, v *Tensor) {
	if t.order() > 0 {
		t = t.Add(t.SwapAxes(-1, -2)).Div(2)
	}
	out := inCore("eigh", 0, t)
	return t.perturbed(out[0], out[1])
}

// Eig is the eigenvalues of square matrices, real and imaginary parts [..., n],
// and those of their vectors, the columns of vre and vim [..., n, n]. It has no
// gradient.
func (t *Tensor) Eig() (re, im, vre, vim *Tensor) {
	t.constant("eig")
	out := inCore("eig", 0, t)
	return out[0], out[1], out[2], out[3]
}

// LstSq is the x for which t x is nearest to b, the shortest one of several. Its
// gradient needs independent columns of t.
func (t *Tensor) LstSq(b *Tensor) *Tensor {
	x := inCore("lstsq", 0, t, b)[0]
	if max(t.order(), b.order()) == 0 {
		return x
	}
	turned := t.SwapAxes(-1, -2)
	return turned.MatMul(t).nearest(turned.MatMul(b), x, t, b)
}

// PInv is the pseudo-inverse of Moore and Penrose of matrices [..., m, n]. Its
// gradient needs independent columns or rows.
func (t *Tensor) PInv() *Tensor {
	if t.order() == 0 {
		return inCore("pinv", 0, t)[0]
	}
	n := len(t.v.Shape)
	if n > 1 && t.v.Shape[n-2] < t.v.Shape[n-1] {
		return t.SwapAxes(-1, -2).PInv().SwapAxes(-1, -2)
	}
	return t.LstSq(Eye(t.v.Shape[t.axis("pinv", -2)]))
}

// MatrixRank is the number of singular values that are not 0 at the precision of
// f32, of type i32.
func (t *Tensor) MatrixRank() *Tensor { return inCore("matrix_rank", 0, t)[0].Int() }

// Expm is the matrix exponential 1 + t + t^2/2 + ... of square matrices.
func (t *Tensor) Expm() *Tensor {
	e := inCore("expm", 0, t)[0]
	if t.order() == 0 {
		return e
	}
	return t.exponential()
}
