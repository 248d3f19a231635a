package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Offsets of the fields of asm.Windows; a test of that package holds them.
const (
	winY = 8 * iota
	winX
	winD
	winG
	winPlaces
	winChannels
	winStep
	winRows
	winCols
	winRow
	winCol
)

// pools writes max pooling and its gradient. AVX2 knows only whole vectors of
// channels.
func pools() {
	for _, wide := range []bool{true, false} {
		k := kernel{tile: tile{wide: wide}, label: "256"}
		if wide {
			k.label = "512"
		}
		k.maximum()
		k.route()
	}
}

// Registers of the pooling kernels. Results and their gradients lie one behind
// the other; pixel is an offset that X and D have in common.
var (
	atY, atG, atX, atD           = RDI, RSI, R8, R9
	places, corner, channel      = R10, R11, R12
	pixel, rowStart, rows, colms = R13, RAX, RBX, RDX
	lanes                        = RCX
)

// windows writes the loops over places, vectors of channels, and taps.
func (k kernel) windows(name string, begin, tap, end func()) {
	k.label = name + k.label
	TEXT(k.label, NOSPLIT, "func(w *byte)")
	Pragma("noescape")
	Load(Param("w"), args)
	MOVQ(field(winY), atY)
	MOVQ(field(winG), atG)
	MOVQ(field(winX), atX)
	MOVQ(field(winD), atD)
	MOVQ(field(winPlaces), places)
	XORQ(corner, corner)
	k.here("place")
	MOVQ(corner, channel)
	MOVQ(field(winChannels), lanes)
	k.here("channels")
	if k.wide { // the lanes that are left, at most 16
		MOVQ(I32(-1), RAX)
		CMPQ(lanes, U8(16))
		JGE(k.at("whole"))
		BZHIQ(lanes, RAX, RAX)
		k.here("whole")
		KMOVW(EAX, K1)
	}
	begin()
	MOVQ(channel, rowStart)
	MOVQ(field(winRows), rows)
	k.here("row")
	MOVQ(rowStart, pixel)
	MOVQ(field(winCols), colms)
	k.here("column")
	tap()
	ADDQ(field(winCol), pixel)
	DECQ(colms)
	JNZ(k.at("column"))
	ADDQ(field(winRow), rowStart)
	DECQ(rows)
	JNZ(k.at("row"))
	end()
	k.advance()
	JG(k.at("channels"))
	// lanes is minus the lanes of the last vector that were none
	for _, r := range []GPPhysical{atY, atG} {
		LEAQ(Mem{Base: r, Index: lanes, Scale: 4}, r)
	}
	ADDQ(field(winStep), corner)
	DECQ(places)
	JNZ(k.at("place"))
	VZEROUPPER()
	RET()
}

// advance goes to the next vector of channels and compares what is left to zero.
func (k kernel) advance() {
	for _, r := range []GPPhysical{atY, atG, channel} {
		ADDQ(U8(k.bytes()), r)
	}
	SUBQ(U8(k.bytes()/4), lanes)
}

func pixelOf(base GPPhysical) Mem { return Mem{Base: base, Index: pixel, Scale: 1} }

// Predicates of VCMPPS.
const (
	equal     = 0
	unordered = 3
	ordered   = 7
)

func (k kernel) maximum() {
	top, x, t, nan := k.vec(0), k.vec(1), k.vec(2), k.vec(3)
	begin := func() {
		MOVL(U32(0xff800000), EAX) // minus infinity
		VMOVD(EAX, X0)
		VBROADCASTSS(X0, top)
	}
	tap := func() { // of two operands, of which one is NaN, the last one wins
		if k.wide {
			VMOVUPS_Z(pixelOf(atX), K1, x)
			VCMPPS(U8(ordered), top, top, K2)
			VMAXPS(x, top, K2, top)
			return
		}
		VMOVUPS(pixelOf(atX), x)
		VCMPPS(U8(unordered), top, top, nan)
		VMAXPS(x, top, t)
		VBLENDVPS(nan, top, t, top)
	}
	end := func() {
		if k.wide {
			VMOVUPS(top, K1, Mem{Base: atY})
		} else {
			VMOVUPS(top, Mem{Base: atY})
		}
	}
	k.windows("max", begin, tap, end)
}

func (k kernel) route() {
	y, g, x, d, open := k.vec(0), k.vec(1), k.vec(2), k.vec(3), k.vec(4)
	begin := func() {
		if k.wide {
			VMOVUPS_Z(Mem{Base: atY}, K1, y)
			VMOVUPS_Z(Mem{Base: atG}, K1, g)
			return
		}
		VMOVUPS(Mem{Base: atY}, y)
		VMOVUPS(Mem{Base: atG}, g)
		VPCMPEQD(open, open, open)
	}
	tap := func() {
		if k.wide { // K1: lanes whose maximum was not found yet
			VMOVUPS_Z(pixelOf(atX), K1, x)
			VCMPPS(U8(equal), y, x, K1, K2)
			VMOVUPS_Z(pixelOf(atD), K2, d)
			VADDPS(g, d, K2, d)
			VMOVUPS(d, K2, pixelOf(atD))
			KANDNW(K1, K2, K1)
			return
		}
		VCMPPS(U8(equal), pixelOf(atX), y, x)
		VANDPS(open, x, x)
		VANDNPS(open, x, open)
		VANDPS(g, x, x)
		VADDPS(pixelOf(atD), x, d)
		VMOVUPS(d, pixelOf(atD))
	}
	k.windows("route", begin, tap, func() {})
}
