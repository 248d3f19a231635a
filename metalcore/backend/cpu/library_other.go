//go:build !(darwin && arm64)

package cpu

// systemBLAS is nil: nothing is faster than our own kernels.
func systemBLAS() sgemm { return nil }
