package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Random is uniform in [0,1): multiples of 2^-24. The numbers depend on seed
// and step (i32 scalars), on the stream, which keeps apart the values of one
// graph, and on nothing else: a step that is repeated draws them again, on
// every device.
//
// They are those of Philox 4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel
// Random Numbers: As Easy as 1, 2, 3") with the key (seed, stream): element i
// is word i mod 4 of the counter (i/4 mod 2^32, i/4 / 2^32, step, 0), without
// its last 8 bits.
func Random(seed, step *ir.Value, stream int, shape ir.Shape) *ir.Value {
	return build("random", ir.Attrs{"stream": stream, "shape": ints(shape)}, seed, step)
}

func randomOps() []Op {
	return []Op{
		{Name: "random", Doc: `uniform in [0,1) of "shape", by Philox 4x32-10 with key (seed, "stream") and counter (i/4, step)`,
			Class: Draw, Arity: 2, Attrs: []Attr{{"stream", IntAttr}, {"shape", IntsAttr}}, Shape: randomShape,
			NoGrad: "random numbers depend on no f32 value"},
	}
}

func randomShape(v *ir.Value) (ir.DType, ir.Shape, error) {
	for i, name := range []string{"seed", "step"} {
		if err := wantType(v, i, ir.I32); err != nil {
			return 0, nil, err
		}
		if err := wantRank(v, i, 0, "a scalar, the "+name); err != nil {
			return 0, nil, err
		}
	}
	if n := v.Int("stream"); n < 0 || n > math.MaxInt32 {
		return 0, nil, fail(v, BadAttr, fmt.Sprintf("stream is %d", n), "number the streams from 0")
	}
	shape := ir.Shape(v.Ints("shape"))
	if err := shape.Check(); err != nil {
		return 0, nil, fail(v, BadAttr, err.Error(), "use a smaller shape")
	}
	return ir.F32, slices.Clone(shape), nil
}
