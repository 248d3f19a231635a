package asm

// Tile is the work of one call of a kernel: a block of results
//
//	C[i][j] = relu(C[i][j] + sum over p of A[i][p] B[p][j] + Bias[j])
//
// that stays in registers while p runs. The inner index p consists of Segs
// segments of K elements each. All distances are in bytes, so that operands are
// read where they lie: transposed, packed, or as windows of an image. Rows of A
// are addressed in threes: row i is at (i/3)*ThreeA + (i%3)*RowA.
// B is read in whole registers: behind its last row there must be room for them,
// whatever stands there.
type Tile struct {
	K, Segs   int
	A         *float32
	RowA      int
	ThreeA    int
	StepA     int
	Offs      *int // for each segment: where it begins, from A
	B         *float32
	StepB     int
	C         *float32
	RowC      int
	Cols      int      // valid columns of B, C and Bias
	Bias      *float32 // nil: none
	Add, ReLU int      // 0 or 1: whether C is added to; whether the ReLU is applied
}
