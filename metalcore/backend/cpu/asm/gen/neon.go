package main

import (
	"os"
	"path/filepath"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/neon"
)

// neonKernel writes functions for arm64, one at a time. Vectors: the sums first,
// from right on a row of the right operand, from left on what there is of the
// left one.
type neonKernel struct {
	*neon.Writer
	rows, vectors int
	right, left   int
	stubs         []string
}

// neonTiles are the families of tiles. They are as large as those of AVX2.
var neonTiles = []tile{{name: "tileNEONwide", rows: 6, vectors: 4}, {name: "tileNEONnarrow", rows: 12, vectors: 2}}

// writeNEON writes the kernels of arm64 and their declarations.
func writeNEON(dir string) error {
	k := &neonKernel{Writer: neon.NewWriter()}
	for _, t := range neonTiles {
		for r := 1; r <= t.rows; r++ {
			k.tile(t, r)
		}
	}
	k.pool("maxNEON", k.maxBegin, k.maxTap, k.maxEnd)
	k.pool("routeNEON", k.routeBegin, k.routeTap, func(string) {})
	k.transpose()
	k.copyRows()
	k.peak()
	text := generated + "\npackage asm\n"
	for _, s := range k.stubs {
		text += "\n//go:noescape\nfunc " + s + "\n"
	}
	for name, src := range map[string]string{
		"kernels_arm64.s": k.String(), "kernels_arm64.go": text, "dispatch_arm64.go": dispatchSource(neonTiles),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(src), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// begin starts a function.
func (k *neonKernel) begin(name, signature string, args int) {
	k.stubs = append(k.stubs, name+signature)
	k.Func(name, args)
}

// field loads a field of the argument, which is in R0.
func (k *neonKernel) field(offset int, register string) { k.Op("MOVD %d(R0), %s", offset, register) }

// repeat takes 1 off a register, and jumps if something is left.
func (k *neonKernel) repeat(count, label string) {
	k.Op("SUBS $1, %s, %[1]s", count)
	k.Op("BNE %s", label)
}

// peak writes a loop of nothing but multiply-adds.
func (k *neonKernel) peak() {
	k.begin("peakNEON", "(n int)", 8)
	k.Op("MOVD n+0(FP), R0")
	for i := range neonChains + 2 {
		k.Op("VEOR V%d.B16, V%[1]d.B16, V%[1]d.B16", i)
	}
	k.Label("loop")
	for i := range neonChains {
		k.Op("VFMLA V%d.S4, V%d.S4, V%d.S4", neonChains, neonChains+1, i)
	}
	k.repeat("R0", "loop")
	k.Op("RET")
}

// neonChains independent sums hide the latency of four multiply-adds at a time.
const neonChains = 24
