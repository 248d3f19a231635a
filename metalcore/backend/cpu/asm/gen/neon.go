package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/neon"
)

// neonKernel writes functions for arm64, one at a time. Vectors: the sums first,
// from right on a row of the right operand, from left on what there is of the
// left one.
type neonKernel struct {
	*neon.Writer
	label          string
	rows, vectors  int
	right, left    int
	stubs          []string
	stepA, stepB   string
	rowPointers    []string
	atB, count     string
	offs, segments string
}

// neonTiles are the families of tiles. They are as large as those of AVX2.
var neonTiles = []tile{{name: "tileNEONwide", rows: 6, vectors: 4}, {name: "tileNEONnarrow", rows: 12, vectors: 2}}

// writeNEON writes the kernels of arm64 and their declarations.
func writeNEON(dir string) error {
	k := &neonKernel{Writer: neon.NewWriter(), stepA: "R13", stepB: "R14", atB: "R15", count: "R16", offs: "R17", segments: "R19"}
	for i := range 12 {
		k.rowPointers = append(k.rowPointers, fmt.Sprint("R", i+1))
	}
	for _, t := range neonTiles {
		for r := 1; r <= t.rows; r++ {
			k.tile(t, r)
		}
	}
	k.pool("maxNEON", k.maxTap, k.maxEnd)
	k.pool("routeNEON", k.routeTap, func(string) {})
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
	k.label = name
	k.stubs = append(k.stubs, name+signature)
	k.Func(name, args)
}

func (k *neonKernel) at(name string) string { return name + "_" + k.label }
func (k *neonKernel) here(name string)      { k.Label(k.at(name)) }

// field loads a field of the argument, which is in R0.
func (k *neonKernel) field(offset int, register string) { k.Op("MOVD %d(R0), %s", offset, register) }

// peak writes a loop of nothing but multiply-adds.
func (k *neonKernel) peak() {
	k.begin("peakNEON", "(n int)", 8)
	k.Op("MOVD n+0(FP), R0")
	for i := range neonChains + 2 {
		k.Op("VEOR V%d.B16, V%[1]d.B16, V%[1]d.B16", i)
	}
	k.here("loop")
	for i := range neonChains {
		k.Op("VFMLA V%d.S4, V%d.S4, V%d.S4", neonChains, neonChains+1, i)
	}
	k.Op("SUBS $1, R0, R0")
	k.Op("BNE %s", k.at("loop"))
	k.Op("RET")
}

// neonChains independent sums hide the latency of four multiply-adds at a time.
const neonChains = 24
