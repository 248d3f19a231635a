//go:build linux

package fake_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/metal/fake"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// What the driver does not call, or not in these ways, is called here.
var (
	newObject    = objc.Declare("NSObject", "+new", "@")
	plainRelease = objc.Declare("NSObject", "-release", "v")

	deviceName   = objc.Declare("MTLDevice", "-name", "@")
	newQueue     = objc.Declare("MTLDevice", "-newCommandQueue", "@")
	newBuffer    = objc.Declare("MTLDevice", "-newBufferWithLength:options:", "@QQ")
	newNoCopy    = objc.Declare("MTLDevice", "-newBufferWithBytesNoCopy:length:options:deallocator:", "@^vQQ@?")
	newHeap      = objc.Declare("MTLDevice", "-newHeapWithDescriptor:", "@@")
	newLibrary   = objc.Declare("MTLDevice", "-newLibraryWithSource:options:error:", "@@@^@")
	newPipeline  = objc.Declare("MTLDevice", "-newComputePipelineStateWithDescriptor:options:reflection:error:", "@@Q^@^@")
	newEvent     = objc.Declare("MTLDevice", "-newSharedEvent", "@")
	contents     = objc.Declare("MTLBuffer", "-contents", "^v")
	length       = objc.Declare("MTLBuffer", "-length", "Q")
	setVersion   = objc.Declare("MTLCompileOptions", "-setLanguageVersion:", "vQ")
	setFast      = objc.Declare("MTLCompileOptions", "-setFastMathEnabled:", "vB")
	newFunction  = objc.Declare("MTLLibrary", "-newFunctionWithName:", "@@")
	setFunction  = objc.Declare("MTLComputePipelineDescriptor", "-setComputeFunction:", "v@")
	heapSize     = objc.Declare("MTLHeapDescriptor", "-setSize:", "vQ")
	heapType     = objc.Declare("MTLHeapDescriptor", "-setType:", "vq")
	heapBuffer   = objc.Declare("MTLHeap", "-newBufferWithLength:options:", "@QQ")
	placeBuffer  = objc.Declare("MTLHeap", "-newBufferWithLength:options:offset:", "@QQQ")
	retained     = objc.Declare("MTLCommandQueue", "-commandBuffer", "@")
	unretained   = objc.Declare("MTLCommandQueue", "-commandBufferWithUnretainedReferences", "@")
	compute      = objc.Declare("MTLCommandBuffer", "-computeCommandEncoderWithDispatchType:", "@Q")
	blit         = objc.Declare("MTLCommandBuffer", "-blitCommandEncoder", "@")
	completed    = objc.Declare("MTLCommandBuffer", "-addCompletedHandler:", "v@?")
	commit       = objc.Declare("MTLCommandBuffer", "-commit", "v")
	wait         = objc.Declare("MTLCommandBuffer", "-waitUntilCompleted", "v")
	status       = objc.Declare("MTLCommandBuffer", "-status", "Q")
	signal       = objc.Declare("MTLCommandBuffer", "-encodeSignalEvent:value:", "v@Q")
	waitEvent    = objc.Declare("MTLCommandBuffer", "-encodeWaitForEvent:value:", "v@Q")
	startTime    = objc.Typed[func(o objc.Object, selector uintptr) float64]("MTLCommandBuffer", "-GPUStartTime", "d")
	endTime      = objc.Typed[func(o objc.Object, selector uintptr) float64]("MTLCommandBuffer", "-GPUEndTime", "d")
	end          = objc.Declare("MTLCommandEncoder", "-endEncoding", "v")
	setPipeline  = objc.Declare("MTLComputeCommandEncoder", "-setComputePipelineState:", "v@")
	setBuffer    = objc.Declare("MTLComputeCommandEncoder", "-setBuffer:offset:atIndex:", "v@QQ")
	setBytes     = objc.Declare("MTLComputeCommandEncoder", "-setBytes:length:atIndex:", "v^vQQ")
	dispatch     = objc.Declare("MTLComputeCommandEncoder", "-dispatchThreadgroups:threadsPerThreadgroup:", "v{MTLSize=QQQ}{MTLSize=QQQ}")
	barrier      = objc.Declare("MTLComputeCommandEncoder", "-memoryBarrierWithResources:count:", "v^@Q")
	scopeBarrier = objc.Declare("MTLComputeCommandEncoder", "-memoryBarrierWithScope:", "vQ")
	copyBytes    = objc.Declare("MTLBlitCommandEncoder", "-copyFromBuffer:sourceOffset:toBuffer:destinationOffset:size:", "v@Q@QQ")
	fillBytes    = objc.Declare("MTLBlitCommandEncoder", "-fillBuffer:range:value:", "v@{_NSRange=QQ}C")
	signaled     = objc.Declare("MTLSharedEvent", "-signaledValue", "Q")
	setSignaled  = objc.Declare("MTLSharedEvent", "-setSignaledValue:", "vQ")
	mpsBuffer    = objc.Declare("MPSCommandBuffer", "+commandBufferWithCommandBuffer:", "@@")
	mpsFirst     = objc.Declare("MPSCommandBuffer", "-commandBuffer", "@")
	mpsRoot      = objc.Declare("MPSCommandBuffer", "-rootCommandBuffer", "@")
	mpsContinue  = objc.Declare("MPSCommandBuffer", "-commitAndContinue", "v")
	matrixLayout = objc.Declare("MPSMatrixDescriptor", "+matrixDescriptorWithRows:columns:matrices:rowBytes:matrixBytes:dataType:", "@QQQQQI")
	initMatrix   = objc.Declare("MPSMatrix", "-initWithBuffer:offset:descriptor:", "@@Q@")
	initMatmul   = objc.Typed[func(o objc.Object, selector uintptr, device objc.Object, left, right bool, rows, columns, inner uint64, alpha, beta float64) objc.Object](
		"MPSMatrixMultiplication", "-initWithDevice:transposeLeft:transposeRight:resultRows:resultColumns:interiorColumns:alpha:beta:", "@@BBQQQdd")
	encodeMatmul = objc.Declare("MPSMatrixMultiplication", "-encodeToCommandBuffer:leftMatrix:rightMatrix:resultMatrix:", "v@@@@")
)

// bench is a machine for the tests, in a pool.
type bench struct {
	t             *testing.T
	device, queue objc.Owned
	pipeline      objc.Owned
}

func load(t *testing.T) {
	t.Helper()
	l, err := fake.Libraries()
	if err != nil {
		t.Fatal(err)
	}
	if err := objc.Load(l); err != nil {
		t.Fatal(err)
	}
	fake.Reset()
	fake.SetCompiler(func(string) (func(string) fake.Kernel, error) {
		return func(string) fake.Kernel {
			return func(l *fake.Launch) error { // out[0] = in + 1
				if l.Buffers[1] == nil {
					return errors.New("buffer 1 is not bound")
				}
				*(*float32)(l.Buffers[0]) = *(*float32)(l.Buffers[1]) + 1
				return nil
			}
		}, nil
	})
}

// with runs f on a machine and wants these lines to be noticed, and nothing to
// live afterwards but what f leaves.
func with(t *testing.T, f func(b *bench), noticed ...string) {
	t.Helper()
	load(t)
	objc.Pool(func() {
		b := &bench{t: t}
		create, err := objc.Function("MTLCreateSystemDefaultDevice")
		if err != nil {
			t.Fatal(err)
		}
		b.device = objc.Owned{Object: objc.Object(objc.Call(create))}
		b.queue = newQueue.Owned(b.device.Object)
		objc.Pool(func() { f(b) })
		b.pipeline.Release()
		b.queue.Release()
		b.device.Release()
	})
	lines := strings.Split(strings.TrimSpace(fake.Errors()), "\n")
	for _, want := range noticed {
		if !slices.ContainsFunc(lines, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("not noticed: %s; only\n%s", want, strings.Join(lines, "\n"))
		}
	}
	if len(noticed) == 0 && lines[0] != "" {
		t.Errorf("noticed: %v", lines)
	}
}

func (b *bench) class(name string) objc.Object {
	b.t.Helper()
	c, err := objc.Class(name)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func (b *bench) buffer(bytes uint64) objc.Object {
	return newBuffer.Owned(b.device.Object, uintptr(bytes), uintptr(uint64(0))).Autorelease()
}

func (b *bench) kernel() objc.Object {
	b.t.Helper()
	options := newObject.Owned(b.class("MTLCompileOptions"))
	defer options.Release()
	setVersion.Send(options.Object, uintptr(uint64(3<<16)))
	setFast.Send(options.Object, uintptr(objc.False))
	var e objc.Object
	library := newLibrary.Owned(b.device.Object, uintptr(objc.String("any")), uintptr(options.Object), uintptr(unsafe.Pointer(&e)))
	defer library.Release()
	function := newFunction.Owned(library.Object, uintptr(objc.String("plus")))
	defer function.Release()
	d := newObject.Owned(b.class("MTLComputePipelineDescriptor"))
	defer d.Release()
	setFunction.Send(d.Object, uintptr(function.Object))
	b.pipeline = newPipeline.Owned(b.device.Object, uintptr(d.Object), uintptr(uint64(0)), uintptr(unsafe.Pointer((*objc.Object)(nil))), uintptr(unsafe.Pointer(&e)))
	return b.pipeline.Object
}

func (b *bench) run(c objc.Object) {
	commit.Send(c)
	wait.Send(c)
}

func sizes(groups, threads uint64) *[2]objc.Size {
	return &[2]objc.Size{{Width: groups, Height: 1, Depth: 1}, {Width: threads, Height: 1, Depth: 1}}
}

func floatAt(buffer objc.Object) *float32 { return (*float32)(contents.Pointer(buffer)) }

func TestWorks(t *testing.T) {
	with(t, func(b *bench) {
		x, y := b.buffer(4), b.buffer(8)
		c := retained.Object(b.queue.Object)
		told := make(chan uint64, 1)
		completed.Send(c, uintptr(objc.Handler(c, func(o objc.Object) { told <- status.Word(o) })))
		e := compute.Object(c, uintptr(uint64(0)))
		setPipeline.Send(e, uintptr(b.kernel()))
		setBuffer.Send(e, uintptr(x), uintptr(uint64(0)), uintptr(uint64(0)))
		one := float32(1)
		setBytes.Send(e, uintptr(unsafe.Pointer(&one)), uintptr(uint64(4)), uintptr(uint64(1)))
		dispatch.Sizes(e, sizes(1, 1))
		barrier.Send(e, uintptr(unsafe.Pointer(&x)), uintptr(uint64(1)))
		setBuffer.Send(e, uintptr(y), uintptr(uint64(4)), uintptr(uint64(0)))
		setBuffer.Send(e, uintptr(x), uintptr(uint64(0)), uintptr(uint64(1)))
		dispatch.Sizes(e, sizes(1, 1))
		end.Send(e)
		f := blit.Object(c)
		copyBytes.Send(f, uintptr(y), uintptr(uint64(4)), uintptr(y), uintptr(uint64(0)), uintptr(uint64(4)))
		end.Send(f)
		b.run(c)
		if got := *floatAt(y); got != 3 || *floatAt(x) != 2 || length.Word(y) != 8 {
			t.Error(got)
		}
		if s := <-told; s != 4 {
			t.Errorf("status %d", s)
		}
		if from, to := startTime.Call(c, startTime.Register()), endTime.Call(c, endTime.Register()); from <= 0 || to < from {
			t.Errorf("from %v to %v", from, to)
		}
	})
}

// TestForget sees that a handler is called once, and not after it was taken back.
func TestForget(t *testing.T) {
	with(t, func(b *bench) {
		told := make(chan objc.Object, 2)
		tell := func(o objc.Object) { told <- o }
		first, second := retained.Object(b.queue.Object), retained.Object(b.queue.Object)
		completed.Send(first, uintptr(objc.Handler(first, tell)))
		completed.Send(second, uintptr(objc.Handler(second, tell)))
		objc.Forget(first)
		b.run(first)
		b.run(second)
		if got := <-told; got != second || len(told) > 0 {
			t.Error("the first one's handler was called")
		}
	})
}

func TestFill(t *testing.T) {
	with(t, func(b *bench) {
		x := b.buffer(8)
		c := retained.Object(b.queue.Object)
		e := blit.Object(c)
		// A range is two words.
		words := []uintptr{uintptr(x), 4, 4, 0x3f}
		fillBytes.Send(e, words...)
		end.Send(e)
		b.run(c)
		if got := *(*[8]byte)(contents.Pointer(x)); got != [8]byte{4: 0x3f, 0x3f, 0x3f, 0x3f} {
			t.Error(got)
		}
	})
}

func TestHeapsAndStorage(t *testing.T) {
	with(t, func(b *bench) {
		d := newObject.Owned(b.class("MTLHeapDescriptor"))
		defer d.Release()
		heapSize.Send(d.Object, uintptr(uint64(4096)))
		plain := newHeap.Owned(b.device.Object, uintptr(d.Object))
		heapType.Send(d.Object, uintptr(int64(1)))
		placed := newHeap.Owned(b.device.Object, uintptr(d.Object))
		x := heapBuffer.Owned(plain.Object, uintptr(uint64(100)), uintptr(uint64(0)))
		y := placeBuffer.Owned(placed.Object, uintptr(uint64(100)), uintptr(uint64(0)), uintptr(uint64(512)))
		z := placeBuffer.Owned(placed.Object, uintptr(uint64(100)), uintptr(uint64(0)), uintptr(uint64(512)))
		plain.Release()
		placed.Release() // its buffers keep it
		*floatAt(y.Object) = 5
		if *floatAt(z.Object) != 5 || *floatAt(x.Object) != 0 {
			t.Error("buffers of a heap do not lie where they were put")
		}
		full := heapBuffer.Owned(plain.Object, uintptr(uint64(1)), uintptr(uint64(0))) // of what x keeps
		full.Release()
		for _, o := range []objc.Owned{x, y, z} {
			o.Release()
		}
		const private = uint64(2 << 4)
		p := newBuffer.Owned(b.device.Object, uintptr(uint64(16)), uintptr(private)).Autorelease()
		if contents.Pointer(p) != nil {
			t.Error("private storage has contents")
		}
	})
}

func TestEvents(t *testing.T) {
	with(t, func(b *bench) {
		event := newEvent.Owned(b.device.Object)
		defer event.Release()
		c := retained.Object(b.queue.Object)
		waitEvent.Send(c, uintptr(event.Object), uintptr(uint64(1)))
		signal.Send(c, uintptr(event.Object), uintptr(uint64(2)))
		commit.Send(c)
		if v := signaled.Word(event.Object); v != 0 {
			t.Errorf("%d before the wait was over", v)
		}
		setSignaled.Send(event.Object, uintptr(uint64(1)))
		wait.Send(c)
		if v := signaled.Word(event.Object); v != 2 {
			t.Errorf("%d", v)
		}
	})
}

func TestMatrixScales(t *testing.T) {
	with(t, func(b *bench) {
		x := b.buffer(4)
		*floatAt(x) = 3
		layout := matrixLayout.Object(b.class("MPSMatrixDescriptor"), uintptr(uint64(1)), uintptr(uint64(1)), uintptr(uint64(1)),
			uintptr(uint64(4)), uintptr(uint64(4)), uintptr(uint32(0x10000000|32)))
		m := initMatrix.Make(b.class("MPSMatrix"), uintptr(x), uintptr(uint64(0)), uintptr(layout)).Autorelease()
		k := objc.Owned{Object: initMatmul.Call(objc.Allocate(b.class("MPSMatrixMultiplication")), initMatmul.Register(), b.device.Object, false, true, 1, 1, 1, 2, 0.5)}
		defer k.Release()
		c := retained.Object(b.queue.Object)
		encodeMatmul.Send(k.Object, uintptr(c), uintptr(m), uintptr(m), uintptr(m))
		b.run(c)
		if got := *floatAt(x); got != 2*3*3+0.5*3 {
			t.Error(got)
		}
	})
}

func TestRootIsSwapped(t *testing.T) {
	with(t, func(b *bench) {
		c := retained.Object(b.queue.Object)
		m := mpsBuffer.Object(b.class("MPSCommandBuffer"), uintptr(c))
		if mpsRoot.Object(m) != c {
			t.Error("the root is another one at the beginning")
		}
		mpsContinue.Send(m)
		root := mpsRoot.Object(m)
		if root == c || mpsFirst.Object(m) != c {
			t.Error("the root is not swapped")
		}
		wait.Send(c)
		b.run(root)
	})
}
