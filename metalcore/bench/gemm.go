package bench

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// gemmRound is about how long a round of products lasts.
const gemmRound = 30 * time.Millisecond

// gemm measures products of an m x k and a k x n matrix, each of which may be
// stored transposed.
func gemm(_ context.Context, w io.Writer, o *Options) error {
	for _, s := range []struct {
		m, k, n int
		forms   []string
	}{
		{512, 512, 512, []string{"NN", "NT", "TN"}},
		{32, 784, 128, []string{"NN", "NT", "TN"}},
		{128, 128, 128, []string{"NN", "NT", "TN"}},
	} {
		for _, form := range s.forms {
			for _, at := range o.spots() {
				r, err := product(o.Rounds, at, s.m, s.k, s.n, form)
				if err != nil {
					return err
				}
				fmt.Fprintf(w, "sgemm %-12s %s %3s %10.0f/s %s\n", fmt.Sprintf("%dx%dx%d", s.m, s.k, s.n), form, at.name,
					r.rate.median, r.arithmetic())
			}
		}
	}
	return nil
}

// product measures one product. The form says of each operand whether it is
// stored transposed.
func product(rounds int, at spot, m, k, n int, form string) (speed, error) {
	a, b := ir.Shape{m, k}, ir.Shape{k, n}
	ta, tb := form[0] == 'T', form[1] == 'T'
	if ta {
		a = ir.Shape{k, m}
	}
	if tb {
		b = ir.Shape{n, k}
	}
	c := op.MatMul(ir.Input("a", ir.F32, a...), ir.Input("b", ir.F32, b...), ta, tb)
	g := ir.NewGraph("product", []ir.Output{{Name: "c", Value: c}}, nil)
	dev, err := at.open()
	if err != nil {
		return speed{}, err
	}
	defer dev.Close()
	p, err := load(dev, g)
	if err != nil {
		return speed{}, err
	}
	defer p.free()
	return speedOf(rounds, at, flops(g), repeated(p.run, gemmRound))
}
