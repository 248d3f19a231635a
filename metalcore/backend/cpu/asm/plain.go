package asm

import "unsafe"

// multiply is a tile of up to 4 x 2 results in plain Go. Rows and columns that
// the tile lacks repeat the last one, and are not stored.
func multiply(rows int, t *Tile) {
	var sums [8]float32
	b := 0 // bytes from the beginning of the right operand
	second := 4 * (t.Cols - 1)
	row := func(i int) int { i = min(i, rows-1); return i/3*t.ThreeA + i%3*t.RowA }
	r1, r2, r3 := row(1), row(2), row(3)
	for _, from := range unsafe.Slice(t.Offs, t.Segs) {
		b = segment(&sums, t, from, b, r1, r2, r3, second)
	}
	c := unsafe.Pointer(t.C)
	for i := range rows {
		for j := range t.Cols {
			x, at := sums[2*i+j], (*float32)(unsafe.Add(c, i*t.RowC+4*j))
			if t.Add != 0 {
				x = *at + x
			}
			if t.Bias != nil {
				x += *(*float32)(unsafe.Add(unsafe.Pointer(t.Bias), 4*j))
			}
			if t.ReLU != 0 && x < 0 {
				x = 0
			}
			*at = x
		}
	}
}

// segment adds the products of the segment that begins at byte a to the sums,
// and returns where the right operand goes on.
func segment(sums *[8]float32, t *Tile, a, b, r1, r2, r3, second int) int {
	c00, c01, c10, c11 := sums[0], sums[1], sums[2], sums[3]
	c20, c21, c30, c31 := sums[4], sums[5], sums[6], sums[7]
	left, right, stepA, stepB := unsafe.Pointer(t.A), unsafe.Pointer(t.B), t.StepA, t.StepB
	for range t.K {
		b0, b1 := load(right, b), load(right, b+second)
		x := load(left, a)
		c00 += x * b0
		c01 += x * b1
		x = load(left, a+r1)
		c10 += x * b0
		c11 += x * b1
		x = load(left, a+r2)
		c20 += x * b0
		c21 += x * b1
		x = load(left, a+r3)
		c30 += x * b0
		c31 += x * b1
		a, b = a+stepA, b+stepB
	}
	*sums = [8]float32{c00, c01, c10, c11, c20, c21, c30, c31}
	return b
}

func load(p unsafe.Pointer, at int) float32 { return *(*float32)(unsafe.Add(p, at)) }

// peak is a loop of eight independent sums.
func peak(n int) int {
	var a, b, c, d, e, f, g, h float32
	x, y := float32(n&1), float32(0.5)
	for range n {
		a += x * y
		b += x * y
		c += x * y
		d += x * y
		e += x * y
		f += x * y
		g += x * y
		h += x * y
	}
	return 16*n + int(min(a+b+c+d+e+f+g+h, 0)) // the sums are needed, and not negative
}
