package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// tile is a family of kernels: for each number of rows up to rows, results of
// vectors registers in a row, which live in registers while the inner index runs.
type tile struct {
	name    string
	wide    bool // AVX-512
	rows    int
	vectors int
}

var tiles = []tile{
	{"tile512wide", true, 14, 2},
	{"tile512narrow", true, 14, 1},
	{"tile256wide", false, 6, 2},
	{"tile256narrow", false, 12, 1},
}

// Offsets of the fields of asm.Tile; a test of that package holds them.
const (
	tileK     = 8 * iota // inner elements of a segment
	tileSegs             // segments
	tileA                // left operand
	tileRowA             // bytes from row to row
	tileThree            // bytes from each third row to the next
	tileStepA            // bytes from inner element to inner element
	tileOffs             // where each segment of the left operand begins, in bytes
	tileB                // right operand
	tileStepB
	tileC
	tileRowC
	tileCols // valid columns
	tileBias
	tileAdd
	tileReLU
)

// Registers that all kernels of a family use alike. Every base stands for three rows.
var (
	bases = []GPPhysical{RSI, R8, R9, RAX, RBX}
	rowA  = R10
	stepA = R11
	stepB = R12
	atB   = RDI
	count = RCX
	offs  = R13
	segs  = RDX
	args  = R14
	three = R15
)

func (t tile) kernel(rows int) string { return fmt.Sprint(t.name, rows) }

func (t tile) generate() {
	for r := 1; r <= t.rows; r++ {
		k := kernel{tile: t, mr: r, label: t.kernel(r)}
		TEXT(t.kernel(r), NOSPLIT, "func(t *byte)")
		Pragma("noescape")
		k.prologue()
		k.multiply()
		k.finish()
		VZEROUPPER()
		RET()
	}
}

// kernel is one function of a family while it is written.
type kernel struct {
	tile
	mr    int
	label string
}

func (k kernel) vec(i int) Register {
	if k.wide {
		return []VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15, Z16, Z17, Z18, Z19, Z20,
			Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31}[i]
	}
	return []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}[i]
}

// Vectors: the sums first, then a row of the right operand, then an element of
// the left one in all lanes; the last one of AVX2 is the mask.
func (k kernel) sum(row, v int) Register { return k.vec(row*k.vectors + v) }
func (k kernel) right(v int) Register    { return k.vec(k.mr*k.vectors + v) }
func (k kernel) left(row int) Register {
	first, end := (k.mr+1)*k.vectors, 15
	if k.wide {
		end = 32
	}
	return k.vec(first + row%(end-first))
}
func (k kernel) bytes() int {
	if k.wide {
		return 64
	}
	return 32
}

// masks are the opmasks of the vectors of a row.
var masks = []OpmaskPhysical{K1, K2}

func (k kernel) element(row int) Mem {
	m := Mem{Base: bases[row/3]}
	if row%3 > 0 {
		m.Index, m.Scale = rowA, uint8(row%3)
	}
	return m
}

func (k kernel) at(name string) LabelRef { return LabelRef(name + "_" + k.label) }
func (k kernel) here(name string)        { Label(name + "_" + k.label) }

func field(offset int) Mem { return Mem{Base: args, Disp: offset} }

func (k kernel) prologue() {
	Load(Param("t"), args)
	MOVQ(field(tileRowA), rowA)
	MOVQ(field(tileStepA), stepA)
	MOVQ(field(tileStepB), stepB)
	MOVQ(field(tileB), atB)
	MOVQ(field(tileOffs), offs)
	MOVQ(field(tileSegs), segs)
	MOVQ(field(tileThree), three)
	MOVQ(field(tileCols), count)
	if k.wide {
		MOVQ(I32(-1), RAX)
		BZHIQ(count, RAX, RAX)
		KMOVW(EAX, K1)
		if k.vectors == 2 {
			SHRQ(U8(16), RAX)
			KMOVW(EAX, K2)
		}
	} else { // the table has eight ones before eight zeros
		if k.vectors == 2 {
			SUBQ(U8(8), count)
		}
		NEGQ(count)
		LEAQ(maskTable(), RAX)
		VMOVUPS(Mem{Base: RAX, Index: count, Scale: 4, Disp: 32}, Y15)
	}
	MOVQ(field(tileC), RAX)
	MOVQ(field(tileRowC), RBX)
	for row := range k.mr {
		PREFETCHT0(Mem{Base: RAX})
		if k.wide && k.vectors == 2 {
			PREFETCHT0(Mem{Base: RAX, Disp: 64})
		}
		if row < k.mr-1 {
			ADDQ(RBX, RAX)
		}
	}
	for i := range k.mr * k.vectors {
		if k.wide {
			VPXORD(k.vec(i), k.vec(i), k.vec(i))
		} else {
			VXORPS(k.vec(i), k.vec(i), k.vec(i))
		}
	}
}

var maskData *Mem

// maskTable is shared by the AVX2 kernels.
func maskTable() Mem {
	if maskData == nil {
		m := GLOBL("maskTable", RODATA|NOPTR)
		for i := range 16 {
			v := uint32(0)
			if i < 8 {
				v = 0xffffffff
			}
			DATA(4*i, U32(v))
		}
		maskData = &m
	}
	return *maskData
}

// multiply adds the products over all segments to the sums. Of the left operand
// either the inner index or the rows are mostly adjacent; both save additions.
func (k kernel) multiply() {
	k.here("segment")
	MOVQ(Mem{Base: offs}, bases[0])
	ADDQ(U8(8), offs)
	ADDQ(field(tileA), bases[0])
	for g := 1; 3*g < k.mr; g++ {
		LEAQ(Mem{Base: bases[g-1], Index: three, Scale: 1}, bases[g])
	}
	MOVQ(field(tileK), count)
	CMPQ(stepA, U8(4))
	JEQ(k.at("inner"))
	CMPQ(rowA, U8(4))
	JNE(k.at("one"))
	CMPQ(three, U8(12))
	JNE(k.at("one"))

	SUBQ(U8(4), count)
	JLT(k.at("tail"))
	k.here("rows")
	for range 4 {
		k.products(func(row int) Mem { return Mem{Base: bases[0], Disp: 4 * row} })
		ADDQ(stepA, bases[0])
		ADDQ(stepB, atB)
	}
	SUBQ(U8(4), count)
	JGE(k.at("rows"))
	for g := 1; 3*g < k.mr; g++ {
		LEAQ(Mem{Base: bases[g-1], Disp: 12}, bases[g])
	}
	JMP(k.at("tail"))

	k.here("inner")
	SUBQ(U8(4), count)
	JLT(k.at("tail"))
	k.here("four")
	for u := range 4 {
		k.products(func(row int) Mem { return k.element(row).Offset(4 * u) })
		ADDQ(stepB, atB)
	}
	for g := 0; 3*g < k.mr; g++ {
		ADDQ(U8(16), bases[g])
	}
	SUBQ(U8(4), count)
	JGE(k.at("four"))
	k.here("tail")
	ADDQ(U8(4), count)
	JEQ(k.at("ended"))

	k.here("one")
	k.products(k.element)
	for g := 0; 3*g < k.mr; g++ {
		ADDQ(stepA, bases[g])
	}
	ADDQ(stepB, atB)
	DECQ(count)
	JNZ(k.at("one"))
	k.here("ended")
	DECQ(segs)
	JNZ(k.at("segment"))
}

// align64 is for single loops: the assembler does not always end where several
// are aligned and jumps cross them.
func align64() {
	Instruction(&ir.Instruction{Opcode: "PCALIGN", Operands: []Op{Imm(64)}})
}

// products adds those of one inner index.
func (k kernel) products(element func(row int) Mem) {
	for v := range k.vectors {
		VMOVUPS(Mem{Base: atB, Disp: v * k.bytes()}, k.right(v))
	}
	for row := range k.mr {
		if k.wide && k.vectors == 1 {
			VFMADD231PS_BCST(element(row), k.right(0), k.sum(row, 0))
			continue
		}
		VBROADCASTSS(element(row), k.left(row))
		for v := range k.vectors {
			VFMADD231PS(k.left(row), k.right(v), k.sum(row, v))
		}
	}
}

// loadRow loads the valid columns of a row.
func (k kernel) loadRow(m Mem, to func(int) Register) {
	for v := range k.vectors {
		switch {
		case k.wide:
			VMOVUPS_Z(m, masks[v], to(v))
		case v == k.vectors-1:
			VMASKMOVPS(m, Y15, to(v))
		default:
			VMOVUPS(m, to(v))
		}
		m.Disp += k.bytes()
	}
}

// finish adds what C holds and the bias, applies the ReLU, and stores the sums.
func (k kernel) finish() {
	atC, rowC, bias := RDI, R12, RSI
	MOVQ(field(tileC), atC)
	MOVQ(field(tileRowC), rowC)
	CMPQ(field(tileAdd), U8(0))
	JEQ(k.at("bias"))
	MOVQ(atC, RAX)
	for row := range k.mr {
		k.loadRow(Mem{Base: RAX}, k.right)
		for v := range k.vectors {
			VADDPS(k.sum(row, v), k.right(v), k.sum(row, v))
		}
		ADDQ(rowC, RAX)
	}
	k.here("bias")
	MOVQ(field(tileBias), bias)
	TESTQ(bias, bias)
	JEQ(k.at("relu"))
	k.loadRow(Mem{Base: bias}, k.right)
	for row := range k.mr {
		for v := range k.vectors {
			VADDPS(k.right(v), k.sum(row, v), k.sum(row, v))
		}
	}
	k.here("relu")
	CMPQ(field(tileReLU), U8(0))
	JEQ(k.at("store"))
	zero := k.right(0)
	if k.wide {
		VPXORD(zero, zero, zero)
	} else {
		VXORPS(zero, zero, zero)
	}
	for i := range k.mr * k.vectors { // of NaN and zero, the first operand wins
		VMAXPS(k.vec(i), zero, k.vec(i))
	}
	k.here("store")
	if !k.wide { // masked stores are slow on some processors
		CMPQ(field(tileCols), U8(8*k.vectors))
		JNE(k.at("masked"))
		k.store(false)
		VZEROUPPER()
		RET()
		k.here("masked")
	}
	k.store(true)
}

// store writes the sums.
func (k kernel) store(masked bool) {
	for row := range k.mr {
		for v := range k.vectors {
			m := Mem{Base: RDI, Disp: v * k.bytes()}
			switch {
			case k.wide:
				VMOVUPS(k.sum(row, v), masks[v], m)
			case masked && v == k.vectors-1:
				VMASKMOVPS(k.sum(row, v), Y15, m)
			default:
				VMOVUPS(k.sum(row, v), m)
			}
		}
		if row < k.mr-1 {
			ADDQ(R12, RDI)
		}
	}
}
