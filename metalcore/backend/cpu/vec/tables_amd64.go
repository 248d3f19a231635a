package vec

// tables are the kernels in assembly of each variant.
var tables = [...]map[key]Kernel{nil, tableAVX2, tableAVX512}

var foldsOf = [...]folds{plainFolds,
	{sumRowsAVX2, maxRowsAVX2, sumColumnsAVX2, spreadRowsAVX2, softmaxRowsAVX2, argmaxRowsAVX2},
	{sumRowsAVX512, maxRowsAVX512, sumColumnsAVX512, spreadRowsAVX512, softmaxRowsAVX512, argmaxRowsAVX512},
}
