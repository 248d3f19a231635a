// Package objc sends messages to Objective-C objects without cgo: the least of
// it that a Metal backend needs. The libraries are given by the caller, so that
// the same code runs on macOS and, in tests, on Linux with the stand-in of
// package fake.
//
// Each method that is called stands in a table of its caller, with its class
// and its types as Objective-C encodes them (see Declare). TestSends holds the
// tables, and each call, against the interfaces of Apple's frameworks; Verify
// holds a method against the runtime itself.
package objc

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Libraries are the paths of the Objective-C runtime and of the frameworks.
type Libraries struct {
	Runtime    string
	Frameworks []string
}

// System has the libraries of macOS.
var System = Libraries{
	Runtime: "/usr/lib/libobjc.A.dylib",
	Frameworks: []string{
		"/System/Library/Frameworks/Foundation.framework/Foundation",
		"/System/Library/Frameworks/Metal.framework/Metal",
		"/System/Library/Frameworks/MetalPerformanceShaders.framework/MetalPerformanceShaders",
		"/System/Library/Frameworks/MetalPerformanceShadersGraph.framework/MetalPerformanceShadersGraph",
	},
}

// entry holds the functions of the runtime that are called, once it is loaded.
var entry struct {
	sync.Mutex
	loaded  bool
	from    string // path of the runtime
	handles []uintptr

	send, getClass, register, push, pop              uintptr
	getProtocol, protocolMethod, classMethod, encode uintptr
	objectClass                                      uintptr
	globalBlock                                      uintptr
}

// Load opens the libraries, once in a process, and registers the selectors of
// all methods that were declared.
func Load(l Libraries) error {
	entry.Lock()
	defer entry.Unlock()
	if entry.loaded {
		if entry.from != l.Runtime {
			return fmt.Errorf("objc: %s is loaded, so %s cannot be", entry.from, l.Runtime)
		}
		return nil
	}
	var handles []uintptr
	for _, path := range append([]string{l.Runtime}, l.Frameworks...) {
		h, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
		if err != nil {
			return fmt.Errorf("objc: %w", err)
		}
		handles = append(handles, h)
	}
	for name, p := range map[string]*uintptr{
		"objc_msgSend": &entry.send, "objc_getClass": &entry.getClass, "sel_registerName": &entry.register,
		"objc_autoreleasePoolPush": &entry.push, "objc_autoreleasePoolPop": &entry.pop,
		"objc_getProtocol": &entry.getProtocol, "protocol_getMethodDescription": &entry.protocolMethod,
		"class_getInstanceMethod": &entry.classMethod, "method_getTypeEncoding": &entry.encode, "object_getClass": &entry.objectClass,
	} {
		f, err := purego.Dlsym(handles[0], name)
		if err != nil {
			return fmt.Errorf("objc: %w", err)
		}
		*p = f
	}
	block, err := purego.Dlsym(purego.RTLD_DEFAULT, "_NSConcreteGlobalBlock")
	if err != nil {
		return fmt.Errorf("objc: %w", err)
	}
	entry.globalBlock, entry.handles, entry.from, entry.loaded = block, handles, l.Runtime, true
	for _, m := range declared {
		m.bind()
	}
	return nil
}

// Function finds a C function, or a variable, of the libraries.
func Function(name string) (uintptr, error) {
	entry.Lock()
	defer entry.Unlock()
	for _, h := range entry.handles {
		if f, err := purego.Dlsym(h, name); err == nil {
			return f, nil
		}
	}
	return 0, fmt.Errorf("objc: the system has no %s", name)
}

// Variable is the object in a variable of the libraries, at that address.
func Variable(address uintptr) Object { return *(*Object)(pointer(address)) }

// Call calls a C function that takes and returns words.
//
//go:uintptrescapes
func Call(f uintptr, args ...uintptr) uintptr {
	r, _, _ := purego.SyscallN(f, args...)
	return r
}

// Object refers to an object that someone else keeps alive: its owner, or the
// pool in which it was made. 0 is nil; messages to it do nothing.
type Object uintptr

// Owned is an object that has to be released by who holds it.
type Owned struct{ Object }

// Release gives the object up.
func (o Owned) Release() {
	if o.Object != 0 {
		release.Send(o.Object)
	}
}

// Retain makes the caller one more owner of the object.
func (o Object) Retain() Owned {
	if o != 0 {
		retain.Object(o)
	}
	return Owned{o}
}

// Autorelease leaves the object to the pool.
func (o Owned) Autorelease() Object {
	if o.Object != 0 {
		autorelease.Object(o.Object)
	}
	return o.Object
}

// Class finds a class.
func Class(name string) (Object, error) {
	c := lookup(entry.getClass, name)
	if c == 0 {
		return 0, fmt.Errorf("objc: the system has no class %s", name)
	}
	return Object(c), nil
}

func lookup(f uintptr, name string) uintptr {
	s := cString(name)
	defer runtime.KeepAlive(s)
	return Call(f, uintptr(unsafe.Pointer(s)))
}

// Pool runs f in an autorelease pool. Pools belong to a thread of the system,
// which f therefore does not leave.
func Pool(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p := Call(entry.push)
	defer Call(entry.pop, p)
	f()
}

func cString(s string) *byte {
	b := append([]byte(s), 0)
	return &b[0]
}

// goString copies a string of C.
func goString(p unsafe.Pointer) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}

// pointer turns an address outside of Go's memory into a pointer.
func pointer(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }
