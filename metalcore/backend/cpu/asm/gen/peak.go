package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// peakChains independent sums hide the latency of a multiply-add.
const peakChains = 12

// peaks writes loops of nothing but multiply-adds, by which speed is judged.
func peaks() {
	for _, wide := range []bool{true, false} {
		k := kernel{tile: tile{wide: wide}}
		name := "peak256"
		if wide {
			name = "peak512"
		}
		TEXT(name, NOSPLIT, "func(n int)")
		Load(Param("n"), RCX)
		for i := range peakChains + 2 {
			VXORPS(ymm[i], ymm[i], ymm[i]) // clears the upper half, too
		}
		align64()
		Label("loop_" + name)
		for i := range peakChains {
			VFMADD231PS(k.vec(peakChains), k.vec(peakChains+1), k.vec(i))
		}
		DECQ(RCX)
		JNZ(LabelRef("loop_" + name))
		VZEROUPPER()
		RET()
	}
}

// processor writes what asks the processor about itself, and the pause of a
// spinning loop.
func processor() {
	TEXT("cpuid", NOSPLIT, "func(leaf uint32, sub uint32) (a uint32, b uint32, c uint32, d uint32)")
	Load(Param("leaf"), EAX)
	Load(Param("sub"), ECX)
	CPUID()
	Store(EAX, Return("a"))
	Store(EBX, Return("b"))
	Store(ECX, Return("c"))
	Store(EDX, Return("d"))
	RET()

	TEXT("xgetbv", NOSPLIT, "func() (a uint32)")
	XORL(ECX, ECX)
	XGETBV()
	Store(EAX, Return("a"))
	RET()

	TEXT("pause", NOSPLIT, "func(n int)")
	Load(Param("n"), RCX)
	Label("again")
	PAUSE()
	DECQ(RCX)
	JNZ(LabelRef("again"))
	RET()
}
