//go:build linux

package fake

import (
	"sync"
	"unsafe"
)

// Compiler compiles the text of a library: it returns how kernels are found in
// it by their names.
type Compiler func(text string) (find func(name string) Kernel, err error)

// Kernel runs on the stand-in's GPU; nil is one that is not there.
type Kernel func(l *Launch) error

// Launch is what a kernel runs on.
type Launch struct {
	Buffers         [31]unsafe.Pointer // nil: not bound
	Bytes           [31]int            // of each, to its buffer's end
	Groups, Threads [3]int             // threadgroups, and threads of each
}

var (
	mu        sync.Mutex
	compiler  Compiler
	libraries []func(string) Kernel // by number, from 1 on
	kernels   []Kernel
)

// SetCompiler says who compiles libraries from then on.
func SetCompiler(c Compiler) {
	mu.Lock()
	defer mu.Unlock()
	compiler = c
}

func compile(text, log *byte, size uintptr) uintptr {
	mu.Lock()
	c := compiler
	mu.Unlock()
	if c == nil {
		put(log, size, "the test has no compiler")
		return 0
	}
	find, err := c(goString(text))
	if err != nil {
		put(log, size, err.Error())
		return 0
	}
	mu.Lock()
	defer mu.Unlock()
	libraries = append(libraries, find)
	return uintptr(len(libraries))
}

func find(library uintptr, name *byte) uintptr {
	mu.Lock()
	l := libraries[library-1]
	mu.Unlock()
	k := l(goString(name))
	if k == nil {
		return 0
	}
	mu.Lock()
	defer mu.Unlock()
	kernels = append(kernels, k)
	return uintptr(len(kernels))
}

func run(kernel uintptr, buffers *[31]unsafe.Pointer, lengths *[31]uint64, sizes *[6]uint64, log *byte, size uintptr) {
	mu.Lock()
	k := kernels[kernel-1]
	mu.Unlock()
	l := &Launch{Buffers: *buffers}
	for i, n := range lengths {
		l.Bytes[i] = int(n)
	}
	for i := range 3 {
		l.Groups[i], l.Threads[i] = int(sizes[i]), int(sizes[3+i])
	}
	if err := k(l); err != nil {
		put(log, size, err.Error())
	}
}

// put writes a string where C has room for it.
func put(to *byte, size uintptr, s string) {
	room := unsafe.Slice(to, size)
	n := copy(room[:size-1], s)
	room[n] = 0
}

func goString(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}
