package asm

import (
	"fmt"
	"slices"
	"strings"
)

// Variant is a family of kernels. Of those for one processor, a greater one is
// faster and needs more of it.
type Variant int

const (
	Go     Variant = iota // plain Go: runs everywhere
	AVX2                  // AVX2 and FMA: 8 numbers at a time
	AVX512                // AVX-512 F, DQ, BW and VL: 16 numbers at a time
	NEON                  // arm64: 4 numbers at a time
)

var names = [...]string{"go", "avx2", "avx512", "neon"}

func (v Variant) String() string { return names[v] }

// Best is the fastest variant that this processor can run.
func Best() Variant { return supported[len(supported)-1] }

// Supported lists all variants that this processor can run, slowest first.
func Supported() []Variant { return slices.Clone(supported) }

// Choose is the variant of the given name, or the best one if there is no name.
func Choose(name string) (Variant, error) {
	if name == "" {
		return Best(), nil
	}
	for _, v := range supported {
		if v.String() == name {
			return v, nil
		}
	}
	return Go, fmt.Errorf("no kernels %q on this processor; it runs %s", name, strings.Trim(fmt.Sprint(supported), "[]"))
}

// size is how large a tile is.
type size struct{ rows, cols int }

// tiles are the sizes of wide and of narrow tiles.
var tiles = [...]struct{ wide, narrow size }{
	Go:     {size{4, 2}, size{4, 2}},
	AVX2:   {size{6, 16}, size{12, 8}},
	AVX512: {size{14, 32}, size{14, 16}},
	NEON:   {size{6, 16}, size{12, 8}},
}

// Width is the number of columns of a wide tile.
func (v Variant) Width() int { return tiles[v].wide.cols }

// Rows is the number of rows that a tile of so many columns may have.
func (v Variant) Rows(cols int) int {
	if cols > tiles[v].narrow.cols {
		return tiles[v].wide.rows
	}
	return tiles[v].narrow.rows
}
