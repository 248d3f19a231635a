//go:build darwin || linux

// Package blas calls a BLAS of the system, without cgo. Package cpu uses it on
// darwin, where the matrix units of the processor are Accelerate's alone; on
// Linux only tests do.
package blas

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Accelerate is where macOS has its library.
const Accelerate = "/System/Library/Frameworks/Accelerate.framework/Accelerate"

// SGEMM finds the routine of that name in a library. It is the one that Fortran
// calls, all of whose arguments are pointers: so each takes a register or a
// place of the stack as wide as one, on every system, and a call allocates
// nothing. The arguments must not be on the stack of a goroutine, which moves.
func SGEMM(library string) (func(args *[13]unsafe.Pointer), error) {
	lib, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("blas: %w", err)
	}
	f, err := purego.Dlsym(lib, "sgemm_")
	if err != nil {
		return nil, fmt.Errorf("blas: %s: %w", library, err)
	}
	return func(args *[13]unsafe.Pointer) {
		purego.SyscallN(f, (*[13]uintptr)(unsafe.Pointer(args))[:]...)
		runtime.KeepAlive(args) // what it points to was hidden from the garbage collector
	}, nil
}
