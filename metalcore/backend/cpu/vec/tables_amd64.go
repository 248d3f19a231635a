package vec

// tables are the kernels in assembly of each variant.
var tables = [...]map[key]Kernel{nil, tableAVX2, tableAVX512}

// programs are the loops of each variant by their texts.
var programs = [...]map[string]Loop{nil, loopsAVX2, loopsAVX512}

var foldsOf = [...]folds{plainFolds,
	{sumRowsAVX2, maxRowsAVX2, sumColumnsAVX2, spreadRowsAVX2, softmaxRowsAVX2, argmaxRowsAVX2, vanishAVX2},
	{sumRowsAVX512, maxRowsAVX512, sumColumnsAVX512, spreadRowsAVX512, softmaxRowsAVX512, argmaxRowsAVX512, vanishAVX512},
}
