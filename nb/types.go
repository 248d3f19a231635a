package nb

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// The element types. Where two of them meet in arithmetic, the operands become
// that which holds more, floats before integers and f32 before the halves; layers
// convert nothing and say which operand to Cast.
const (
	F32  = "f32"  // floating point, 32 bits
	F16  = "f16"  // 16 bits: three digits, up to 65504
	BF16 = "bf16" // 16 bits: two digits, the range of f32
	I32  = "i32"  // whole numbers, 32 bits
	I64  = "i64"  // 64 bits
	U8   = "u8"   // 0 to 255
	Bool = "bool"
)

// Cast converts the elements to another type. To whole numbers it cuts off what
// is behind the point and takes the nearest number of the type's range; NaN
// becomes 0. To f16 and bf16 it rounds to nearest. A bool is 1 or 0 as a number,
// and a number is true unless it is 0.
//
// Tensors of f16 and bf16 take half the memory. They are computed with in f32,
// and each result is rounded.
func (t *Tensor) Cast(dtype string) *Tensor {
	to, err := ir.ParseDType(dtype)
	if err != nil {
		argument("use a constant like nb.F16", "cast to %q: %v", dtype, err)
	}
	return t.unary("cast", func(v *ir.Value) *ir.Value { return op.Cast(v, to) })
}

// Precision says in which type a trainer computes its model. The names are those
// of Keras.
//
// In a mixed precision matrix products, convolutions and what follows them
// element by element take 16 bits for a number, in half the memory; exp, powers,
// sums and means, and so softmax and the statistics of norms, the loss, the
// parameters and the optimizer stay f32. On the CPU it is to try out what a GPU
// will do: numbers are stored as 16 bits and computed with in f32, which is slower
// than f32 alone.
//
// With MixedFloat16 the loss is multiplied by a scale, so that small gradients are
// not rounded to 0. The scale begins at 65536, is doubled after 2000 steps, and
// halved when a gradient is not finite; the optimizer does not take that step, and
// Trainer.Skipped counts it. MixedBFloat16 has the range of f32 and needs no scale,
// but keeps two digits where f16 keeps three.
type Precision string

// The precisions.
const (
	Float32       Precision = "float32"
	MixedFloat16  Precision = "mixed_float16"
	MixedBFloat16 Precision = "mixed_bfloat16"
)
