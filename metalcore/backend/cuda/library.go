//go:build linux

package cuda

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library is a shared library with the functions that are called of it.
type library struct {
	functions map[string]uintptr
	explain   func(code int) string // what a result means
}

// open opens the first library of the given names that there is, and finds the
// functions in it.
func open(names []string, functions []string) (*library, error) {
	var handle uintptr
	var failed []string
	for _, name := range names {
		h, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err == nil {
			handle = h
			break
		}
		failed = append(failed, err.Error())
	}
	if handle == 0 {
		return nil, errors.New(strings.Join(failed, "; "))
	}
	l := &library{functions: map[string]uintptr{}}
	for _, f := range functions {
		p, err := purego.Dlsym(handle, f)
		if err != nil {
			return nil, fmt.Errorf("the library is too old: %w", err)
		}
		l.functions[f] = p
	}
	return l, nil
}

// Error is a call of the CUDA driver or of NVRTC that failed.
type Error struct {
	Call string
	Code int
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s (error %d)", e.Call, e.Text, e.Code) }

// call calls a function. Numbers are given as they are, and pointers as uintptr,
// converted in the call's own arguments.
//
//go:uintptrescapes
func (l *library) call(function string, args ...uintptr) error {
	r, _, _ := purego.SyscallN(l.functions[function], args...)
	return l.result(function, int(int32(r)))
}

func (l *library) result(function string, code int) error {
	if code == 0 {
		return nil
	}
	return &Error{Call: function, Code: code, Text: l.explain(code)}
}

// text reads a string of C.
func text(p *byte) string {
	if p == nil {
		return "unknown"
	}
	var b strings.Builder
	for at := unsafe.Pointer(p); *(*byte)(at) != 0; at = unsafe.Add(at, 1) {
		b.WriteByte(*(*byte)(at))
	}
	return b.String()
}

// driverNames are where the CUDA driver is.
var driverNames = []string{"libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"}

var driverFunctions = []string{
	"cuInit", "cuGetErrorString", "cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute", "cuDeviceTotalMem_v2",
	"cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease_v2", "cuCtxSetCurrent", "cuStreamCreate", "cuStreamDestroy_v2", "cuStreamSynchronize",
	"cuMemAlloc_v2", "cuMemFree_v2", "cuMemsetD8Async", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2",
	"cuModuleLoadData", "cuModuleUnload", "cuModuleGetFunction", "cuFuncGetAttribute", "cuLaunchKernel",
	"cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphDestroy", "cuGraphLaunch", "cuGraphExecDestroy",
	"cuEventCreate", "cuEventRecord", "cuEventSynchronize", "cuEventDestroy_v2",
}

// openDriver opens the CUDA driver.
func openDriver() (*library, error) {
	l, err := open(driverNames, driverFunctions)
	if err != nil {
		return nil, err
	}
	l.explain = func(code int) string {
		var p *byte
		purego.SyscallN(l.functions["cuGetErrorString"], uintptr(code), uintptr(unsafe.Pointer(&p)))
		return text(p)
	}
	return l, l.call("cuInit", 0)
}
