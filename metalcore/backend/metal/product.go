package metal

import (
	"fmt"
	"slices"
	"sync"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// product is one of the vendor's, prepared for its shapes.
type product interface {
	gpu.Product
	common() *prepared
	// encode writes it into the command buffer, in which no encoder is open.
	encode(e *encoder, bound []binding) error
}

// prepared is what all products have.
type prepared struct {
	shared
	driver *Driver
	name   string
	bytes  []int64      // of the operands, then of the result
	keeps  []objc.Owned // until it is freed
	freed  sync.Once
}

func (p *prepared) common() *prepared { return p }

// Free gives the product back, once what uses it has run.
func (p *prepared) Free() { p.freed.Do(p.drop) }

// Product prepares a product of Metal Performance Shaders. An error says that
// there is none such.
func (d *Driver) Product(s gpu.ProductSpec) (gpu.Product, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	p, err := d.prepare(s)
	if err != nil {
		return nil, fmt.Errorf("metal: %s: %w", s, err)
	}
	var v product
	objc.Pool(func() {
		if s.Op == "matmul" {
			v, err = d.newMatmul(s, p)
		} else {
			v, err = d.newConvolution(s, p)
		}
		if err != nil {
			p.releaseKept()
		}
	})
	if err != nil {
		return nil, fmt.Errorf("metal: %s: %w", s, err)
	}
	p.init(p.release)
	d.stats.products.Add(1)
	return v, nil
}

// dataTypes are the types of MPS by their names here, with their sizes.
var dataTypes = map[string]struct {
	mps   uint32
	bytes int
}{"f32": {mpsDataTypeFloat32, 4}, "f16": {mpsDataTypeFloat16, 2}}

// prepare checks what is the same for all products.
func (d *Driver) prepare(s gpu.ProductSpec) (*prepared, error) {
	t, ok := dataTypes[s.DType]
	if !ok {
		return nil, fmt.Errorf("there is no such product of %s", s.DType)
	}
	if len(s.In) != 2 {
		return nil, fmt.Errorf("%d operands", len(s.In))
	}
	p := &prepared{driver: d, name: s.Op}
	for _, shape := range append(slices.Clone(s.In), s.Out) {
		bytes := int64(t.bytes)
		for _, n := range shape {
			if n < 1 {
				return nil, fmt.Errorf("the shape %v", shape)
			}
			if bytes *= int64(n); bytes > d.limits.MaxBuffer {
				return nil, fmt.Errorf("the shape %v is larger than a buffer", shape)
			}
		}
		p.bytes = append(p.bytes, bytes)
	}
	return p, nil
}

// keep holds an object until the product is freed.
func (p *prepared) keep(o objc.Owned) objc.Object {
	p.keeps = append(p.keeps, o)
	return o.Object
}

func (p *prepared) release() {
	objc.Pool(p.releaseKept)
	p.driver.stats.products.Add(-1)
}

func (p *prepared) releaseKept() {
	for _, o := range p.keeps {
		o.Release()
	}
}
