package cpu

import (
	"math"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
)

// sgemm is the routine of BLAS as Fortran has it: C = alpha op(A) op(B) + beta C
// for matrices whose columns lie one behind the other. The arguments are
// pointers: op(A), op(B), m, n, k, alpha, A, lda, B, ldb, beta, C, ldc.
type sgemm func(args *[13]unsafe.Pointer)

// Numbers of the arguments that change from run to run.
const sgemmA, sgemmB, sgemmC = 6, 8, 11

// libraryWork is how many multiply-adds make a product worth a call: below,
// our own kernels are done in some ten microseconds. It was not measured on a
// Mac.
const libraryWork = 1 << 20

// library is a product by a BLAS of the system; what comes after it is ours.
// What lies there in rows is to Fortran the transposed matrix in columns, so
// that the operands trade places: c^T = b^T a^T.
type library struct {
	*product
	sgemm            sgemm
	opA, opB         byte // of Fortran's A, which is b, and its B
	sizes            [3]int32
	lda, ldb, ldc    int32
	one, zero        float32
	args             [13]unsafe.Pointer
	addBias, rectify vec.Kernel
}

// byLibrary returns the product as calls of the system's BLAS, nil if there is
// none or our own kernels serve better.
func (p *product) byLibrary(c *compiler) kernel {
	if c.blas == nil || p.m*p.n*p.k < libraryWork {
		return nil
	}
	l := &library{product: p, sgemm: c.blas, ldc: int32(p.n), one: 1, sizes: [3]int32{int32(p.n), int32(p.m), int32(p.k)}}
	largest := max(p.m, p.n, p.k, p.a.line, p.a.inner, p.b.line, p.b.inner)
	var okA, okB bool
	l.opA, l.lda, okA = fortran(p.b.line, p.b.inner)
	l.opB, l.ldb, okB = fortran(p.a.inner, p.a.line)
	if largest > math.MaxInt32 || !okA || !okB {
		return nil
	}
	at := func(x *int32) unsafe.Pointer { return unsafe.Pointer(x) }
	l.args = [13]unsafe.Pointer{unsafe.Pointer(&l.opA), unsafe.Pointer(&l.opB), at(&l.sizes[0]), at(&l.sizes[1]), at(&l.sizes[2]),
		unsafe.Pointer(&l.one), nil, at(&l.lda), nil, at(&l.ldb), unsafe.Pointer(&l.zero), nil, at(&l.ldc)}
	l.addBias, l.rectify = vec.Find(p.variant, "add.f32", 0), vec.Find(p.variant, "relu.f32", 0)
	return l.run(c)
}

// fortran is how an operand is handed over whose elements are so far from each
// other within a column of Fortran's op(X), and from column to column.
func fortran(within, between int) (op byte, ld int32, ok bool) {
	switch {
	case within == 1:
		return 'N', int32(between), true
	case between == 1:
		return 'T', int32(within), true
	}
	return 0, 0, false
}

func (l *library) run(c *compiler) kernel {
	multiply := func(fr *frame) {
		for i := range l.batch {
			l.args[sgemmA] = unsafe.Pointer(&fr.vals[l.b.id][i*l.b.step])
			l.args[sgemmB] = unsafe.Pointer(&fr.vals[l.a.id][i*l.a.step])
			l.args[sgemmC] = unsafe.Pointer(&fr.vals[l.dst][i*l.m*l.n])
			l.sgemm(&l.args)
		}
		l.args[sgemmA], l.args[sgemmB], l.args[sgemmC] = nil, nil, nil // buffers may go
	}
	if l.after.bias == nil && !l.after.relu && l.after.finish == nil {
		return multiply
	}
	blocks := max(1, min(l.m, wantBlocks))
	part := func(fr *frame, worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			row, end := i%blocks*l.m/blocks, (i%blocks+1)*l.m/blocks
			l.complete(fr, worker, block{batch: i / blocks, row: row, rows: end - row, cols: l.n})
		}
	}
	grain := max(1, cheapGrain*blocks/(l.m*l.n))
	return func(fr *frame) {
		multiply(fr)
		fr.pool.run(fr, l.batch*blocks, grain, part)
	}
}

// complete does what comes after the product, for a block of the result's rows.
func (l *library) complete(fr *frame, worker int, b block) {
	for i := range b.rows {
		row := unsafe.Pointer(&fr.vals[l.dst][(b.batch*l.m+b.row+i)*l.n])
		if l.after.bias != nil {
			l.addBias(row, row, unsafe.Pointer(&fr.vals[*l.after.bias][0]), nil, l.n)
		}
		if l.after.relu {
			l.rectify(row, row, nil, nil, l.n)
		}
	}
	if l.after.finish != nil {
		l.after.finish(fr, worker, b)
	}
}
