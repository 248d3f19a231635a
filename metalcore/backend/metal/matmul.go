package metal

import (
	"errors"
	"fmt"
	"slices"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// matmul is MPSMatrixMultiplication.
type matmul struct {
	*prepared
	kernel   objc.Object
	matrices [3]objc.Object // descriptors of the operands and the result
}

// matrixSizes are those of a batch of products: inner is what is summed over.
type matrixSizes struct{ batch, rows, columns, inner int }

// sizesOf checks the shapes. A second operand that all products share makes one
// of them, with more rows.
func sizesOf(s gpu.ProductSpec) (matrixSizes, error) {
	a, b, c := s.In[0], s.In[1], s.Out
	if len(a) < 2 || len(b) < 2 || len(c) < 2 {
		return matrixSizes{}, errors.New("an operand has less than two axes")
	}
	turned := func(shape []int, t bool) (lead []int, rows, columns int) {
		n := len(shape) - 2
		if t {
			return shape[:n], shape[n+1], shape[n]
		}
		return shape[:n], shape[n], shape[n+1]
	}
	leadA, m, k := turned(a, s.TransA)
	leadB, kb, n := turned(b, s.TransB)
	lead, rows, columns := turned(c, false)
	if k != kb || rows != m || columns != n {
		return matrixSizes{}, fmt.Errorf("%d x %d times %d x %d is not %d x %d", m, k, kb, n, rows, columns)
	}
	batch := 1
	for _, l := range lead {
		batch *= l
	}
	switch {
	case slices.Equal(leadA, lead) && slices.Equal(leadB, lead):
		return matrixSizes{batch, m, n, k}, nil
	case slices.Equal(leadA, lead) && len(leadB) == 0 && !s.TransA:
		return matrixSizes{1, batch * m, n, k}, nil
	}
	return matrixSizes{}, errors.New("operands of other batches than the result")
}

func (d *Driver) newMatmul(s gpu.ProductSpec, p *prepared) (product, error) {
	z, err := sizesOf(s)
	if err != nil {
		return nil, err
	}
	m := &matmul{prepared: p}
	class := d.class("MPSMatrixMultiplication")
	m.kernel = p.keep(objc.Owned{Object: initMatmul.Call(objc.Allocate(class), initMatmul.Register(), d.device.Object, s.TransA, s.TransB,
		uint64(z.rows), uint64(z.columns), uint64(z.inner), 1, 0)})
	if m.kernel == 0 {
		return nil, errors.New("the system refuses it")
	}
	stored := func(rows, columns int, turned bool) objc.Object {
		if turned {
			rows, columns = columns, rows
		}
		t := dataTypes[s.DType]
		line := columns * t.bytes
		o := matrixDescriptor.Object(d.class("MPSMatrixDescriptor"), uintptr(uint64(rows)), uintptr(uint64(columns)), uintptr(uint64(z.batch)),
			uintptr(uint64(line)), uintptr(uint64(rows*line)), uintptr(t.mps))
		return p.keep(o.Retain())
	}
	m.matrices = [3]objc.Object{stored(z.rows, z.inner, s.TransA), stored(z.inner, z.columns, s.TransB), stored(z.rows, z.columns, false)}
	return m, nil
}

func (m *matmul) encode(e *encoder, bound []binding) error {
	var o [3]objc.Object
	for i, b := range bound {
		o[i] = initMatrix.Make(e.driver.class("MPSMatrix"), uintptr(b.buffer), uintptr(uint64(b.offset)), uintptr(m.matrices[i])).Autorelease()
		if o[i] == 0 {
			return errors.New("the system makes no matrix of a buffer")
		}
	}
	encodeMatmul.Send(m.kernel, uintptr(e.buffer), uintptr(o[0]), uintptr(o[1]), uintptr(o[2]))
	return nil
}
