package objc

import (
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// block is a block of Objective-C that captures nothing.
type block struct {
	isa        uintptr
	flags      int32
	_          int32 // reserved
	invoke     uintptr
	descriptor *blockDescriptor
}

type blockDescriptor struct {
	_, size   uintptr
	signature *byte
}

const blockIsGlobal, blockHasSignature = 1 << 28, 1 << 30

// One block serves all: callbacks are few in a process and are never freed.
var (
	handler  *block
	makeOnce sync.Once
	waiting  sync.Map // Object -> func(Object)
)

// Block refers to a block; 0 is nil.
type Block uintptr

// Handler returns the block to be given to an object that calls it once, with
// itself, from a thread of its own. Then f is called, on that thread.
func Handler(o Object, f func(Object)) Block {
	makeOnce.Do(func() {
		handler = &block{
			isa:   entry.globalBlock,
			flags: blockIsGlobal | blockHasSignature,
			descriptor: &blockDescriptor{
				size: unsafe.Sizeof(block{}), signature: cString("v16@?0@8"),
			},
			invoke: purego.NewCallback(func(_, o uintptr) {
				if f, ok := waiting.LoadAndDelete(Object(o)); ok {
					f.(func(Object))(Object(o))
				}
			}),
		}
	})
	waiting.Store(o, f)
	return Block(uintptr(unsafe.Pointer(handler)))
}

// Forget takes back what Handler was told of an object that will not call.
func Forget(o Object) { waiting.Delete(o) }
