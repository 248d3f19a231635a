package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

var ymm = []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}

// transpose writes blocks of 8 x 8 the other way: eight rows of the source,
// read from left to right, become columns of the rows that follow each other in dst.
func transpose() {
	TEXT("transpose256", NOSPLIT, "func(dst *float32, rowDst int, src *float32, rowSrc int, blocks int)")
	Pragma("noescape")
	Load(Param("dst"), RDI)
	Load(Param("rowDst"), R12)
	Load(Param("src"), RSI)
	Load(Param("rowSrc"), R10)
	Load(Param("blocks"), RCX)
	from := eightRows([3]GPPhysical{RSI, R8, R9}, R10)
	to := eightRows([3]GPPhysical{RDI, R11, R13}, R12)
	Label("block")
	for i := range 8 {
		VMOVUPS(from[i], ymm[i])
	}
	for i := 0; i < 8; i += 2 {
		VUNPCKLPS(ymm[i+1], ymm[i], ymm[8+i])
		VUNPCKHPS(ymm[i+1], ymm[i], ymm[9+i])
	}
	for i := range 4 { // pairs of pairs: rows 0-3 into 0..3, rows 4-7 into 4..7
		low, high := 8+4*(i/2)+i%2, 10+4*(i/2)+i%2
		VSHUFPS(U8(0x44), ymm[high], ymm[low], ymm[4*(i/2)+2*(i%2)])
		VSHUFPS(U8(0xee), ymm[high], ymm[low], ymm[4*(i/2)+2*(i%2)+1])
	}
	for i := range 4 {
		VPERM2F128(U8(0x20), ymm[4+i], ymm[i], ymm[8+i])
		VPERM2F128(U8(0x31), ymm[4+i], ymm[i], ymm[12+i])
	}
	for i := range 8 {
		VMOVUPS(ymm[8+i], to[i])
	}
	for _, r := range []GPPhysical{RSI, R8, R9} {
		ADDQ(U8(32), r)
	}
	for _, r := range []GPPhysical{RDI, R11, R13} {
		LEAQ(Mem{Base: r, Index: R12, Scale: 8}, r)
	}
	DECQ(RCX)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// eightRows sets up registers that address rows 0, 3 and 6, and returns all eight.
func eightRows(base [3]GPPhysical, row GPPhysical) []Mem {
	var rows []Mem
	for g, b := range base {
		if g > 0 {
			LEAQ(Mem{Base: base[g-1], Index: row, Scale: 2}, b)
			ADDQ(row, b)
		}
		rows = append(rows, Mem{Base: b}, Mem{Base: b, Index: row, Scale: 1}, Mem{Base: b, Index: row, Scale: 2})
	}
	return rows[:8]
}

// panels writes the copies of rows, as wide as a tile, to rows one behind the other.
func panels() {
	for _, t := range []tile{tiles[0], tiles[2]} {
		k := kernel{tile: t}
		name := "panel256"
		if t.wide {
			name = "panel512"
		}
		TEXT(name, NOSPLIT, "func(dst *float32, src *float32, step int, rows int)")
		Pragma("noescape")
		Load(Param("dst"), RDI)
		Load(Param("src"), RSI)
		Load(Param("step"), RDX)
		Load(Param("rows"), RCX)
		Label("row")
		for v := range t.vectors {
			VMOVUPS(Mem{Base: RSI, Disp: v * k.bytes()}, k.vec(v))
		}
		for v := range t.vectors {
			VMOVUPS(k.vec(v), Mem{Base: RDI, Disp: v * k.bytes()})
		}
		ADDQ(RDX, RSI)
		ADDQ(I32(t.vectors*k.bytes()), RDI)
		DECQ(RCX)
		JNZ(LabelRef("row"))
		VZEROUPPER()
		RET()
	}
}
