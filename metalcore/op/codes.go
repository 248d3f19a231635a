package op

// Code is the kind of an Error. Below, each has an example that fails with it;
// a test runs them.
type Code string

const (
	// UnknownOp is an op that is not in the table.
	//
	// Example:
	//
	//	%0 = input "x" f32[B,4]
	//	%1 = frobnicate %0 f32[B,4]
	UnknownOp Code = "unknown op"

	// BadArity is a wrong number of operands.
	//
	// Example:
	//
	//	%0 = input "x" f32[B,4]
	//	%1 = add %0 f32[B,4]
	BadArity Code = "arity"

	// BadAttr is an attribute that is missing, unknown, of the wrong type or
	// out of its range.
	//
	// Example:
	//
	//	%0 = input "x" f32[B,4]
	//	%1 = argmax %0 i32[B] {axis=2}
	BadAttr Code = "attribute"

	// BadType is an operand of an element type that the op does not take.
	//
	// Example:
	//
	//	%0 = input "x" i32[B,4]
	//	%1 = exp %0 i32[B,4]
	BadType Code = "element type"

	// BadRank is an operand with too few or too many axes.
	//
	// Example:
	//
	//	%0 = input "x" f32[B,8,8]
	//	%1 = input "k" f32[3,3,1,16]
	//	%2 = conv2d %0 %1 f32[B,6,6,16] {dilation=[1,1] groups=1 pad=[0,0,0,0] stride=[1,1]}
	BadRank Code = "rank"

	// BadBroadcast is operands whose axes neither match nor are 1.
	//
	// Example:
	//
	//	%0 = input "x" f32[B,4]
	//	%1 = input "b" f32[5]
	//	%2 = add %0 %1 f32[B,4]
	BadBroadcast Code = "broadcast"

	// SizesDiffer is axes of two operands that must have one size.
	//
	// Example:
	//
	//	%0 = input "x" f32[B,64]
	//	%1 = input "w" f32[32,10]
	//	%2 = matmul %0 %1 f32[B,10] {ta=false tb=false}
	SizesDiffer Code = "sizes"

	// BadElems is a reshape to another number of elements.
	//
	// Example:
	//
	//	%0 = input "x" f32[B,8,8]
	//	%1 = reshape %0 f32[B,32] {shape=[-1,32]}
	BadElems Code = "elements"

	// BadWindow is a window or kernel that does not fit the image.
	//
	// Example:
	//
	//	%0 = input "x" f32[B,2,2,1]
	//	%1 = input "k" f32[3,3,1,16]
	//	%2 = conv2d %0 %1 f32[B,0,0,16] {dilation=[1,1] groups=1 pad=[0,0,0,0] stride=[1,1]}
	BadWindow Code = "window"

	// EmptyAxis is an axis of size 0 where at least one element is needed.
	//
	// Example:
	//
	//	%0 = input "x" f32[B,0]
	//	%1 = reduce_max %0 f32[B] {axes=[1] keep=false}
	EmptyAxis Code = "empty axis"

	// BadResult is operands that fit, with a result that no value may have.
	//
	// Example:
	//
	//	%0 = input "x" f32[B,1]
	//	%1 = input "y" f32[1,B]
	//	%2 = add %0 %1 f32[B,1]
	BadResult Code = "result"

	// WrongClaim is a value in a graph's text whose written type is not what
	// its op computes.
	//
	// Example:
	//
	//	%0 = input "x" f32[B,4]
	//	%1 = exp %0 f32[B,5]
	WrongClaim Code = "claimed type"
)
