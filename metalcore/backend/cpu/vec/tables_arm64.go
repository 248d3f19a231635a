package vec

import "github.com/metalnb/metalnb/metalcore/backend/cpu/asm"

// tables are the kernels in assembly of each variant.
var tables = [...]map[key]Kernel{asm.NEON: tableNEON}

// programs are the loops of each variant by their texts.
var programs = [...]map[string]Loop{asm.NEON: loopsNEON}

var foldsOf = [...]folds{asm.Go: plainFolds,
	asm.NEON: {sumRowsNEON, maxRowsNEON, sumColumnsNEON, spreadRowsNEON, softmaxRowsNEON, argmaxRowsNEON, vanishNEON},
}
