package main

// Registers of the pooling kernels. Results and their gradients lie one behind
// the other; pixel is an offset that X and D have in common.
const (
	neonY, neonG, neonX, neonD              = "R1", "R2", "R3", "R4"
	neonPlaces, neonCorner, neonChannel     = "R5", "R6", "R7"
	neonPixel, neonRowStart, neonR, neonC   = "R8", "R9", "R10", "R11"
	neonLanes, neonStep, neonRow, neonCol   = "R12", "R13", "R14", "R15"
	neonRows, neonCols, neonAll, neonAtX    = "R19", "R20", "R21", "R22"
	neonAtD                                 = "R23"
	vecTop, vecG, vecX, vecGot, vecD, vecOn = 0, 1, 2, 3, 4, 5
)

// pool writes the loops over places, vectors of four channels and then single
// ones, and taps. A single channel is loaded into the first lane of a register.
func (k *neonKernel) pool(name string, begin, tap, end func(load string)) {
	k.begin(name, "(w *Windows)", 8)
	k.Op("MOVD w+0(FP), R0")
	for _, f := range []struct {
		offset   int
		register string
	}{{winY, neonY}, {winG, neonG}, {winX, neonX}, {winD, neonD}, {winPlaces, neonPlaces}, {winChannels, neonAll}, {winStep, neonStep},
		{winRows, neonRows}, {winCols, neonCols}, {winRow, neonRow}, {winCol, neonCol}} {
		k.field(f.offset, f.register)
	}
	k.Op("MOVD $0, %s", neonCorner)
	k.Label("place")
	k.Op("MOVD %s, %s", neonCorner, neonChannel)
	k.Op("MOVD %s, %s", neonAll, neonLanes)
	for _, width := range []struct {
		name, load string
		lanes      int
	}{{"four", "FMOVQ", 4}, {"single", "FMOVS", 1}} {
		k.Label(width.name)
		k.Op("CMP $%d, %s", width.lanes, neonLanes)
		k.Op("BLT %s", width.name+"_end")
		begin(width.load)
		k.window(width.name, width.load, tap)
		end(width.load)
		for _, r := range []string{neonY, neonG, neonChannel} {
			k.Op("ADD $%d, %s, %[2]s", 4*width.lanes, r)
		}
		k.Op("SUB $%d, %s, %[2]s", width.lanes, neonLanes)
		k.Op("B %s", width.name)
		k.Label(width.name + "_end")
	}
	k.Op("ADD %s, %s, %[2]s", neonStep, neonCorner)
	k.repeat(neonPlaces, "place")
	k.Op("RET")
}

// window writes the loops over the taps of a window.
func (k *neonKernel) window(name, load string, tap func(load string)) {
	k.Op("MOVD %s, %s", neonChannel, neonRowStart)
	k.Op("MOVD %s, %s", neonRows, neonR)
	k.Label(name + "_row")
	k.Op("MOVD %s, %s", neonRowStart, neonPixel)
	k.Op("MOVD %s, %s", neonCols, neonC)
	k.Label(name + "_column")
	k.Op("ADD %s, %s, %s", neonPixel, neonX, neonAtX)
	k.Op("%s (%s), F%d", load, neonAtX, vecX)
	tap(load)
	k.Op("ADD %s, %s, %[2]s", neonCol, neonPixel)
	k.repeat(neonC, name+"_column")
	k.Op("ADD %s, %s, %[2]s", neonRow, neonRowStart)
	k.repeat(neonR, name+"_row")
}

func (k *neonKernel) maxBegin(string) {
	k.Op("MOVW $0xff800000, R24") // minus infinity
	k.Op("VDUP R24, V%d.S4", vecTop)
}

func (k *neonKernel) maxTap(string) { k.Word("FMAX", vecTop, vecTop, vecX) }

func (k *neonKernel) maxEnd(load string) { k.Op("%s F%d, (%s)", load, vecTop, neonY) }

func (k *neonKernel) routeBegin(load string) {
	k.Op("%s (%s), F%d", load, neonY, vecTop)
	k.Op("%s (%s), F%d", load, neonG, vecG)
	k.Word("FCMEQ", vecOn, vecTop, vecTop) // where the result is NaN, there is nothing to find
}

// routeTap adds the gradient where the pixel is the first to be the result.
func (k *neonKernel) routeTap(load string) {
	k.Op("ADD %s, %s, %s", neonPixel, neonD, neonAtD)
	k.Op("%s (%s), F%d", load, neonAtD, vecD)
	k.Word("FCMEQ", vecGot, vecX, vecTop)
	k.Op("VAND V%d.B16, V%d.B16, V%[2]d.B16", vecOn, vecGot)
	k.Op("VEOR V%d.B16, V%d.B16, V%[2]d.B16", vecGot, vecOn)
	k.Op("VAND V%d.B16, V%d.B16, V%[2]d.B16", vecG, vecGot)
	k.Word("FADD", vecD, vecD, vecGot)
	k.Op("%s F%d, (%s)", load, vecD, neonAtD)
}
