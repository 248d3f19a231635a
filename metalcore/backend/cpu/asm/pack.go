package asm

// Pack writes a panel of the right operand of a product into dst: for each of
// depth inner indices a row as wide as a tile, of which the first cols are
// set; what the others are is left open. Element (column, inner) of src is at column*line + inner*step.
func (v Variant) Pack(dst, src []float32, line, step, cols, depth int) {
	width := v.Width()
	if line == 1 {
		v.panel(dst[:depth*width], src, step, cols, depth)
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

// panel copies rows of which the first cols elements count.
func panel(dst, src []float32, width, step, cols, rows int) {
	for p := range rows {
		copy(dst[p*width:p*width+cols], src[p*step:])
	}
}
