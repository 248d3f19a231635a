// Package cuda runs programs on NVIDIA GPUs: a gpu.Driver on the CUDA driver API,
// whose kernels NVRTC compiles. Both are libraries of the system that are opened
// when New is called, without cgo; where one is missing, New says so by a
// *backend.UnavailableError.
//
// It is there to try the generator of GPU kernels on a real GPU, so it is chosen
// only by name. It was run on Linux; other systems have no such device here.
package cuda
