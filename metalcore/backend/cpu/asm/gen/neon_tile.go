package main

import "fmt"

// Registers of the tiles; see also rowPointer.
const (
	neonStepA, neonStepB, neonB   = "R13", "R14", "R15"
	neonCount, neonOffs, neonSegs = "R16", "R17", "R19"
	neonRowA, neonThree, neonTemp = "R20", "R21", "R22"
)

// rowPointer points to the next element of a row of the left operand.
func rowPointer(row int) string { return fmt.Sprint("R", row+1) }

// tile writes the kernel of a family for a number of rows. It knows whole
// registers only; package asm gives it room for results that are less.
func (k *neonKernel) tile(t tile, rows int) {
	k.rows, k.vectors = rows, t.vectors
	k.right = t.rows * t.vectors
	k.left = k.right + t.vectors
	k.begin(t.kernel(rows), "(t *Tile)", 8)
	k.Op("MOVD t+0(FP), R0")
	k.field(tileStepA, neonStepA)
	k.field(tileStepB, neonStepB)
	k.field(tileB, neonB)
	k.field(tileOffs, neonOffs)
	k.field(tileSegs, neonSegs)
	for i := range rows * k.vectors {
		k.Op("VEOR V%d.B16, V%[1]d.B16, V%[1]d.B16", i)
	}
	k.Label("segment")
	k.pointers()
	k.choose()
	k.byRows()
	k.byInner()
	k.byOne()
	k.Label("ended")
	k.repeat(neonSegs, "segment")
	k.finish()
	k.Op("RET")
}

func (k *neonKernel) sum(row, v int) int { return row*k.vectors + v }

// pointers sets those of the rows to the beginning of the next segment.
func (k *neonKernel) pointers() {
	k.field(tileRowA, neonRowA)
	k.field(tileThree, neonThree)
	k.field(tileA, rowPointer(0))
	k.Op("MOVD.P 8(%s), %s", neonOffs, neonTemp)
	k.Op("ADD %s, %s, %[2]s", neonTemp, rowPointer(0))
	for i := 1; i < k.rows; i++ {
		if i%3 == 0 {
			k.Op("ADD %s, %s, %s", neonThree, rowPointer(i-3), rowPointer(i))
		} else {
			k.Op("ADD %s, %s, %s", neonRowA, rowPointer(i-1), rowPointer(i))
		}
	}
	k.field(tileK, neonCount)
}

// choose jumps to the loop that suits the left operand: its inner elements or
// its rows are mostly adjacent, which lets a load bring several.
func (k *neonKernel) choose() {
	k.Op("CMP $4, %s", neonStepA)
	k.Op("BEQ inner")
	k.Op("CMP $4, %s", neonRowA)
	k.Op("BNE one")
	if k.rows > 3 {
		k.Op("CMP $12, %s", neonThree)
		k.Op("BNE one")
	}
}

// byRows is the loop for rows that lie side by side.
func (k *neonKernel) byRows() {
	base := rowPointer(0)
	k.Label("rows")
	var where []element
	register := k.left
	if k.vectors == 4 {
		register = 28
	}
	for row := 0; row < k.rows; register++ {
		n, load := 4, "FMOVQ"
		switch left := k.rows - row; {
		case left == 1:
			n, load = 1, "FMOVS"
		case left < 4:
			n, load = 2, "FMOVD"
		}
		k.Op("%s %d(%s), F%d", load, 4*row, base, register)
		for lane := range n {
			where = append(where, element{register, lane})
		}
		row += n
	}
	k.loadRight(k.right, k.vectors, 0)
	k.nextRight()
	k.Op("ADD %s, %s, %[2]s", neonStepA, base)
	for row, e := range where {
		k.multiply(row, 0, k.vectors, k.right, e)
	}
	k.repeat(neonCount, "rows")
	k.Op("B ended")
}

// element is a lane of a register.
type element struct{ register, lane int }

// multiply adds the products of an element of the left operand and some
// vectors of the right one, from register right on, to sums.
func (k *neonKernel) multiply(row, first, vectors, right int, e element) {
	for v := range vectors {
		k.Word("FMLAE", k.sum(row, first+v), right+v, e.register, e.lane)
	}
}

// loadRight loads vectors of the right operand, from a number of bytes on.
func (k *neonKernel) loadRight(register, vectors, bytes int) {
	for v := 0; v < vectors; v += 2 {
		k.Op("FLDPQ %d(%s), (F%d, F%d)", bytes+16*v, neonB, register+v, register+v+1)
	}
}

func (k *neonKernel) nextRight() { k.Op("ADD %s, %s, %[2]s", neonStepB, neonB) }

// byInner is the loop for inner elements that lie side by side. Of six rows,
// four elements each stay in registers, and the right operand comes two vectors
// at a time; of twelve rows, two elements of one after the other.
func (k *neonKernel) byInner() {
	block, body := 4, k.innerWide
	if k.vectors == 2 {
		block, body = 2, k.innerNarrow
	}
	k.Label("inner")
	k.Op("SUBS $%d, %s, %[2]s", block, neonCount)
	k.Op("BLT tail")
	k.Label("block")
	body()
	k.Op("SUBS $%d, %s, %[2]s", block, neonCount)
	k.Op("BGE block")
	k.Label("tail")
	k.Op("ADDS $%d, %s, %[2]s", block, neonCount)
	k.Op("BEQ ended")
}

func (k *neonKernel) innerWide() {
	left, right := 24, 30
	for row := range k.rows {
		k.Op("FMOVQ.P 16(%s), F%d", rowPointer(row), left+row)
	}
	for lane := range 4 {
		for first := 0; first < 4; first += 2 {
			k.loadRight(right, 2, 16*first)
			for row := range k.rows {
				k.multiply(row, first, 2, right, element{left + row, lane})
			}
		}
		k.nextRight()
	}
}

func (k *neonKernel) innerNarrow() {
	left, right := 28, 24
	for lane := range 2 {
		k.loadRight(right+2*lane, 2, 0)
		k.nextRight()
	}
	for row := range k.rows {
		register := left + row%4
		k.Op("FMOVD.P 8(%s), F%d", rowPointer(row), register)
		for lane := range 2 {
			k.multiply(row, 0, 2, right+2*lane, element{register, lane})
		}
	}
}

// byOne is the loop for elements that lie anywhere, and for what is left.
func (k *neonKernel) byOne() {
	k.Label("one")
	k.loadRight(k.right, k.vectors, 0)
	k.nextRight()
	for row := range k.rows {
		p, register := rowPointer(row), k.left+row%(32-k.left)
		k.Op("FMOVS (%s), F%d", p, register)
		k.Op("ADD %s, %s, %[2]s", neonStepA, p)
		k.multiply(row, 0, k.vectors, k.right, element{register, 0})
	}
	k.repeat(neonCount, "one")
}

// finish adds what C holds and the bias, applies the ReLU, and stores the sums.
func (k *neonKernel) finish() {
	atC, rowC, at, temp := "R1", "R2", "R3", k.right
	k.field(tileC, atC)
	k.field(tileRowC, rowC)
	k.field(tileAdd, "R4")
	k.Op("CBZ R4, bias")
	k.Op("MOVD %s, %s", atC, at)
	for row := range k.rows {
		k.pairs("FLDPQ %[1]d(%[2]s), (F%[3]d, F%[4]d)", at, temp)
		k.Op("ADD %s, %s, %[2]s", rowC, at)
		for v := range k.vectors {
			k.Word("FADD", k.sum(row, v), temp+v, k.sum(row, v))
		}
	}
	k.Label("bias")
	k.field(tileBias, "R4")
	k.Op("CBZ R4, relu")
	k.pairs("FLDPQ %[1]d(%[2]s), (F%[3]d, F%[4]d)", "R4", temp)
	for row := range k.rows {
		for v := range k.vectors {
			k.Word("FADD", k.sum(row, v), k.sum(row, v), temp+v)
		}
	}
	k.Label("relu")
	k.field(tileReLU, "R4")
	k.Op("CBZ R4, store")
	k.Op("VEOR V%d.B16, V%[1]d.B16, V%[1]d.B16", temp)
	for i := range k.rows * k.vectors {
		k.Word("FMAX", i, i, temp)
	}
	k.Label("store")
	for row := range k.rows {
		k.pairs("FSTPQ (F%[3]d, F%[4]d), %[1]d(%[2]s)", atC, k.sum(row, 0))
		k.Op("ADD %s, %s, %[2]s", rowC, atC)
	}
}

// pairs writes an instruction for every two vectors of a row.
func (k *neonKernel) pairs(format, base string, register int) {
	for v := 0; v < k.vectors; v += 2 {
		k.Op("%s", fmt.Sprintf(format, 16*v, base, register+v, register+v+1))
	}
}
