// Package gpu turns programs into kernels for GPUs, and runs them. It knows no
// GPU: a Driver offers one, and a Dialect renders kernels for its compiler.
package gpu
