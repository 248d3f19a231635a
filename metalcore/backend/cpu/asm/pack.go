package asm

// Pack writes a panel of the right operand of a product into dst: for each of
// depth inner indices one row of the given width, of which the first cols are
// set. Element (column, inner) of src is at column*line + inner*step.
func (v Variant) Pack(dst []float32, width int, src []float32, line, step, cols, depth int) {
	if line == 1 {
		for p := range depth {
			copyRow(dst[p*width:p*width+cols], src[p*step:p*step+cols])
		}
		return
	}
	j, whole := 0, 0
	if v > Go && step == 1 && depth >= 8 {
		j, whole = cols&^7, depth&^7
		for at := 0; at < j; at += 8 {
			v.transpose(dst[at:], width, src[at*line:], line, depth/8)
		}
	}
	for c := range cols {
		from := 0
		if c < j {
			from = whole
		}
		for p := from; p < depth; p++ {
			dst[p*width+c] = src[c*line+p*step]
		}
	}
}

// copyRow copies whole registers where it can: calling copy for a few numbers
// costs more than to copy them.
func copyRow(dst, src []float32) {
	for len(dst) >= 16 && len(src) >= 16 {
		*(*[16]float32)(dst) = *(*[16]float32)(src)
		dst, src = dst[16:], src[16:]
	}
	for i := range dst {
		dst[i] = src[i]
	}
}
