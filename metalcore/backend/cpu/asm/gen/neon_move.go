package main

import "fmt"

// transpose writes blocks of 8 x 8 the other way, as transpose256 does: four
// squares of 4 x 4.
func (k *neonKernel) transpose() {
	k.begin("transposeNEON", "(dst *float32, rowDst int, src *float32, rowSrc int, blocks int)", 40)
	for i, p := range []string{"dst", "rowDst", "src", "rowSrc", "blocks"} {
		k.Op("MOVD %s+%d(FP), R%d", p, 8*i, i)
	}
	from, to := rowNames(5), rowNames(13)
	from[0], to[0] = "R2", "R0"
	for i := 1; i < 8; i++ {
		k.Op("ADD R3, %s, %s", from[i-1], from[i])
	}
	k.Label("block")
	for i := 1; i < 8; i++ {
		k.Op("ADD R1, %s, %s", to[i-1], to[i])
	}
	for half := range 2 { // of the rows of src: columns of dst
		rows := from[4*half:]
		for i := range 4 {
			k.Op("FMOVQ.P 16(%s), F%d", rows[i], i)
			k.Op("FMOVQ.P 16(%s), F%d", rows[i], 4+i)
		}
		for side := range 2 {
			k.square(4*side, to[4*side:], 16*half)
		}
	}
	k.Op("ADD R1, %s, R0", to[7])
	k.repeat("R4", "block")
	k.Op("RET")
}

// rowNames are eight registers from number first on, without R18, which belongs
// to the system.
func rowNames(first int) (names []string) {
	for i := first; len(names) < 8; i++ {
		if i != 18 {
			names = append(names, fmt.Sprint("R", i))
		}
	}
	return names
}

// square turns four registers around and stores them as parts of four rows.
func (k *neonKernel) square(v int, to []string, at int) {
	const even, odd = 8, 12
	for i := range 2 {
		k.Op("VTRN1 V%d.S4, V%d.S4, V%d.S4", v+2*i+1, v+2*i, even+i)
		k.Op("VTRN2 V%d.S4, V%d.S4, V%d.S4", v+2*i+1, v+2*i, odd+i)
	}
	for i, first := range []int{even, odd} {
		k.Op("VTRN1 V%d.D2, V%d.D2, V%d.D2", first+1, first, 16+i)
		k.Op("VTRN2 V%d.D2, V%d.D2, V%d.D2", first+1, first, 18+i)
	}
	for i := range 4 {
		k.Op("FMOVQ F%d, %d(%s)", 16+i, at, to[i])
	}
}

// copyRows copies rows of up to 31 numbers.
func (k *neonKernel) copyRows() {
	k.begin("copyRowsNEON", "(dst *float32, rowDst int, src *float32, rowSrc int, cols int, rows int)", 48)
	for i, p := range []string{"dst", "rowDst", "src", "rowSrc", "cols", "rows"} {
		k.Op("MOVD %s+%d(FP), R%d", p, 8*i, i)
	}
	k.Label("row")
	k.Op("MOVD R0, R6")
	k.Op("MOVD R2, R7")
	for bit := 4; bit >= 0; bit-- {
		k.Op("TBZ $%d, R4, %s", bit, fmt.Sprint("no", 1<<bit))
		switch bytes := 4 << bit; bit {
		case 4:
			k.Op("VLD1.P %d(R7), [V0.S4, V1.S4, V2.S4, V3.S4]", bytes)
			k.Op("VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], %d(R6)", bytes)
		case 3:
			k.Op("VLD1.P %d(R7), [V0.S4, V1.S4]", bytes)
			k.Op("VST1.P [V0.S4, V1.S4], %d(R6)", bytes)
		default:
			load := []string{"FMOVS", "FMOVD", "FMOVQ"}[bit]
			k.Op("%s.P %d(R7), F0", load, bytes)
			k.Op("%s.P F0, %d(R6)", load, bytes)
		}
		k.Label(fmt.Sprint("no", 1<<bit))
	}
	k.Op("ADD R1, R0, R0")
	k.Op("ADD R3, R2, R2")
	k.repeat("R5", "row")
	k.Op("RET")
}
