// Package wrong has each fault that TestSends finds.
package wrong

import (
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

var (
	name      = objc.Declare("MTLDevice", "-name", "@")
	unknown   = objc.Declare("MTLDevice", "-nmae", "@")                           // want "no -[MTLDevice nmae]"
	scope     = objc.Declare("MTLDevice", "+name", "@")                           // want "no +[MTLDevice name]"
	types     = objc.Declare("MTLDevice", "-newBufferWithLength:options:", "@QI") // want "has types @QQ"
	result    = objc.Declare("MTLDevice", "-hasUnifiedMemory", "Q")               // want "has types B"
	newBuffer = objc.Declare("MTLDevice", "-newBufferWithBytes:length:options:", "@^vQQ")
	library   = objc.Declare("MTLDevice", "-newLibraryWithFile:error:", "@@^@")
	commit    = objc.Declare("MTLCommandBuffer", "-commit", "v")
	status    = objc.Declare("MTLCommandBuffer", "-status", "Q")
	retained  = objc.Declare("MTLCommandBuffer", "-retainedReferences", "B")
	start     = objc.Declare("MTLCommandBuffer", "-GPUStartTime", "d") // want "words carry no d"
	contents  = objc.Declare("MTLBuffer", "-contents", "^v")
	family    = objc.Declare("MTLDevice", "-supportsFamily:", "Bq")
	label     = objc.Declare("MTLBuffer", "-newTensorWithDescriptor:offset:error:", "@@Q^@")
	initPlain = objc.Declare("MPSMatrix", "-initWithBuffer:descriptor:", "@@@")
	newer     = objc.Declare("MTLCompileOptions", "-setMathMode:", "vq")                                                             // want "is newer than macOS 13"
	older     = objc.Newer("MTLCompileOptions", "-setFastMathEnabled:", "vB")                                                        // want "is not known to be newer"
	unasked   = objc.Newer("MTLCommandQueue", "-addResidencySet:", "v@")                                                             // want "is never asked for"
	typed     = objc.Typed[func(o objc.Object, s uintptr, v float64) objc.Object]("MPSMatrix", "-initWithBuffer:descriptor:", "@@@") // want "the function has types @d"
	floats    = objc.Typed[func(o objc.Object, s uintptr) float64]("MTLCommandBuffer", "-GPUEndTime", "d")
	packed    = objc.Declare("MPSMatrixMultiplication", "-initWithDevice:transposeLeft:transposeRight:resultRows:resultColumns:interiorColumns:alpha:beta:", "@@BBQQQdd") // want "words carry no d"
)

const (
	mtlBarrierScopeBuffers  = 1
	mtlBarrierScopeTextures = 3 // want "MTLBarrierScopeTextures is 2"
	mtlNoSuchThing          = 1 // want "no constant MTLNoSuchThing"
)

func wrong(o objc.Object, p *float32, e *objc.Object, n uint64) {
	commit.Send(o)
	name.Owned(o)                                                                     // want "is borrowed" // want "is dropped"
	_ = newBuffer.Object(o, uintptr(unsafe.Pointer(p)), uintptr(n), uintptr(n))       // want "is owned"
	newBuffer.Owned(o, uintptr(unsafe.Pointer(p)), uintptr(n), uintptr(n))            // want "is dropped"
	_ = newBuffer.Owned(o, uintptr(unsafe.Pointer(p)), uintptr(n), uintptr(n)).Object // want "is dropped"
	_ = newBuffer.Owned(o, uintptr(n), uintptr(n), uintptr(n))                        // want "argument 1 is ^v, not Q"
	_ = newBuffer.Owned(o, uintptr(unsafe.Pointer(p)), uintptr(n))                    // want "takes 3 arguments, not 2"
	_ = newBuffer.Owned(o, uintptr(unsafe.Pointer(p)), uintptr(n), 1)                 // want "argument 3 is Q, not an unconverted word"
	_ = library.Owned(o, uintptr(o), uintptr(unsafe.Pointer(p)))                      // want "argument 2 is ^@, not ^v"
	_ = library.Owned(o, uintptr(o), uintptr(unsafe.Pointer(e)))
	_ = status.Bool(o)                             // want "returns Q, which is no Bool"
	_ = retained.Word(o)                           // want "returns B, which is no Word"
	status.Send(o)                                 // want "returns Q, which is no Send"
	_ = contents.Word(o)                           // want "returns ^v, which is no Word"
	_ = family.Bool(o, uintptr(n))                 // want "argument 1 is q, not Q"
	_ = initPlain.Owned(o, uintptr(o), uintptr(o)) // want "begins with init"
	_ = floats.Call(o, floats.Register())
	commit.Sizes(o, nil) // want "takes no two sizes"
	_ = []any{unknown, scope, types, result, start, label, newer, older, unasked, typed, packed}
}
