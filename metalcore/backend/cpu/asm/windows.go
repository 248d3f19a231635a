package asm

import (
	"math"
	"unsafe"
)

// Windows is a row of windows of max pooling, for all channels of the pixels.
// Distances are in bytes. No window may be empty.
type Windows struct {
	Y, X             *float32 // results, and the first pixel of the first window
	D, G             *float32 // gradients: of X, which is added to, and of Y
	Places, Channels int
	Step             int // from window to window
	Rows, Cols       int // of a window
	Row, Col         int // from row to row, and from column to column
}

// plainMax writes the maxima. NaN is larger than any number.
func plainMax(w *Windows) {
	for p := range w.Places {
		for c := range w.Channels {
			top := float32(math.Inf(-1))
			for r := range w.Rows {
				at := p*w.Step + 4*c + r*w.Row
				for range w.Cols {
					if x := load(unsafe.Pointer(w.X), at); x > top || x != x {
						top = x
					}
					at += w.Col
				}
			}
			*(*float32)(unsafe.Add(unsafe.Pointer(w.Y), 4*(p*w.Channels+c))) = top
		}
	}
}

// plainRoute adds each gradient to the first of its window's pixels that is the
// maximum. Where that is NaN, none is.
func plainRoute(w *Windows) {
	for p := range w.Places {
		for c := range w.Channels {
			result := 4 * (p*w.Channels + c)
			if at := w.first(load(unsafe.Pointer(w.Y), result), p*w.Step+4*c); at >= 0 {
				*(*float32)(unsafe.Add(unsafe.Pointer(w.D), at)) += load(unsafe.Pointer(w.G), result)
			}
		}
	}
}

// first is where the first pixel equal to top is in the window at corner; -1 if
// there is none.
func (w *Windows) first(top float32, corner int) int {
	for range w.Rows {
		at := corner
		for range w.Cols {
			if load(unsafe.Pointer(w.X), at) == top {
				return at
			}
			at += w.Col
		}
		corner += w.Row
	}
	return -1
}
