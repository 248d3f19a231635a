package vec

// tables are the kernels in assembly of each variant.
var tables = [...]map[key]Kernel{nil, tableAVX2, tableAVX512}
