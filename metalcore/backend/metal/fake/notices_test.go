//go:build linux

package fake_test

import (
	"testing"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/metal/fake"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// TestNoticesObjects does with objects what must not be done.
func TestNoticesObjects(t *testing.T) {
	notices(t, map[string]func(b *bench){
		"use after release: name was sent to a deallocated NSString": func(*bench) {
			s := objc.String("x").Retain()
			objc.Pool(func() {})
			s.Release()
			plainRelease.Send(s.Object) // the pool's: it releases once more
			deviceName.Object(s.Object)
		},
		"release of a deallocated NSString": func(*bench) {
			plainRelease.Send(objc.String("x"))
		},
		"use after release: release was sent": func(b *bench) {
			x := newBuffer.Owned(b.device.Object, uintptr(uint64(4)), uintptr(uint64(0)))
			x.Release()
			x.Release()
		},
		"unrecognized selector": func(b *bench) { commit.Send(b.device.Object) },
		"no pool: a NSString leaks": func(b *bench) {
			done := make(chan objc.Object)
			go func() { done <- deviceName.Object(b.device.Object) }()
			plainRelease.Send(<-done)
		},
	})
}

// TestNoticesCommands does with commands what must not be done.
func TestNoticesCommands(t *testing.T) {
	notices(t, map[string]func(b *bench){
		"a second encoder while one is open": func(b *bench) {
			c := retained.Object(b.queue.Object)
			first := compute.Object(c, uintptr(uint64(0)))
			end.Send(compute.Object(c, uintptr(uint64(1))))
			end.Send(first)
		},
		"commit command buffer with uncommitted encoder": func(b *bench) {
			c := retained.Object(b.queue.Object)
			e := compute.Object(c, uintptr(uint64(0)))
			b.run(c)
			end.Send(e)
		},
		"an encoder was deallocated without endEncoding": func(b *bench) { blit.Object(retained.Object(b.queue.Object)) },
		"endEncoding after endEncoding": func(b *bench) {
			e := blit.Object(retained.Object(b.queue.Object))
			end.Send(e)
			end.Send(e)
		},
		"commit after the command buffer was committed": func(b *bench) {
			c := retained.Object(b.queue.Object)
			b.run(c)
			commit.Send(c)
		},
		"waitUntilCompleted before commit": func(b *bench) { wait.Send(retained.Object(b.queue.Object)) },
		"addCompletedHandler: after the command buffer": func(b *bench) {
			c := retained.Object(b.queue.Object)
			b.run(c)
			completed.Send(c, uintptr(objc.Handler(c, func(objc.Object) {})))
			objc.Forget(c)
		},
		"a buffer was deallocated before the GPU used it": func(b *bench) {
			x := newBuffer.Owned(b.device.Object, uintptr(uint64(4)), uintptr(uint64(0)))
			c := unretained.Object(b.queue.Object)
			e := b.encoder(c)
			setBuffer.Send(e, uintptr(x.Object), uintptr(uint64(0)), uintptr(uint64(0)))
			dispatch.Sizes(e, sizes(1, 1))
			end.Send(e)
			x.Release()
			b.run(c)
		},
		"a pipeline was deallocated before the GPU used it": func(b *bench) {
			c := unretained.Object(b.queue.Object)
			e := b.encoder(c)
			dispatch.Sizes(e, sizes(1, 1))
			end.Send(e)
			b.pipeline.Release()
			b.pipeline = objc.Owned{}
			b.run(c)
		},
		"kernel plus: buffer 1 is not bound": func(b *bench) {
			c := retained.Object(b.queue.Object)
			e := b.encoder(c)
			dispatch.Sizes(e, sizes(1, 1))
			end.Send(e)
			b.run(c)
		},
		"setBytes: of 4097 bytes": encoding(func(e objc.Object) {
			setBytes.Send(e, uintptr(unsafe.Pointer(new([5000]byte))), uintptr(uint64(4097)), uintptr(uint64(0)))
		}),
		"buffer index 31": encoding(func(e objc.Object) {
			setBuffer.Send(e, uintptr(objc.Object(0)), uintptr(uint64(0)), uintptr(uint64(31)))
		}),
		"threadgroups of 1025 threads, of 1024 allowed": encoding(func(e objc.Object) { dispatch.Sizes(e, sizes(1, 1025)) }),
		"threadgroups of 0 threads":                     encoding(func(e objc.Object) { dispatch.Sizes(e, sizes(1, 0)) }),
		"a dispatch of no threadgroups":                 encoding(func(e objc.Object) { dispatch.Sizes(e, sizes(0, 1)) }),
		"a barrier without a scope":                     encoding(func(e objc.Object) { scopeBarrier.Send(e, uintptr(uint64(0))) }),
		"a dispatch without a pipeline": func(b *bench) {
			e := compute.Object(retained.Object(b.queue.Object), uintptr(uint64(0)))
			dispatch.Sizes(e, sizes(1, 1))
			end.Send(e)
		},
		"offset 4 of a buffer of 4 bytes": func(b *bench) {
			e := compute.Object(retained.Object(b.queue.Object), uintptr(uint64(0)))
			setBuffer.Send(e, uintptr(b.buffer(4)), uintptr(uint64(4)), uintptr(uint64(0)))
			end.Send(e)
		},
		"a blit of 8 bytes at 0 of a buffer of 4": func(b *bench) {
			e := blit.Object(retained.Object(b.queue.Object))
			x := b.buffer(4)
			copyBytes.Send(e, uintptr(x), uintptr(uint64(0)), uintptr(x), uintptr(uint64(0)), uintptr(uint64(8)))
			end.Send(e)
		},
		"a buffer of 0 bytes": func(b *bench) { b.buffer(0) },
		"is not whole pages": func(b *bench) {
			newNoCopy.Owned(b.device.Object, uintptr(unsafe.Pointer(new([100]byte))), uintptr(uint64(100)), uintptr(uint64(0)), uintptr(objc.Block(0))).Release()
		},
		"a matrix of 2 x 2 in rows of 8 bytes, at 4 of a buffer of 16": func(b *bench) {
			layout := matrixLayout.Object(b.class("MPSMatrixDescriptor"), uintptr(uint64(2)), uintptr(uint64(2)), uintptr(uint64(1)),
				uintptr(uint64(8)), uintptr(uint64(16)), uintptr(uint32(0x10000000|32)))
			initMatrix.Make(b.class("MPSMatrix"), uintptr(b.buffer(16)), uintptr(uint64(4)), uintptr(layout)).Release()
		},
		"a library is compiled with fast math": func(b *bench) {
			var e objc.Object
			newLibrary.Owned(b.device.Object, uintptr(objc.String("any")), uintptr(objc.Object(0)), uintptr(unsafe.Pointer(&e))).Release()
		},
	})
}

// notices sees that each is noticed, and that nothing is left behind.
func notices(t *testing.T, all map[string]func(b *bench)) {
	for want, f := range all {
		t.Run(want, func(t *testing.T) {
			before := fake.Live()
			with(t, f, want)
			for class, n := range fake.Live() {
				if n > before[class] {
					t.Errorf("%d of %s live, %d before", n, class, before[class])
				}
			}
		})
	}
}

// encoder begins one, with the pipeline set.
func (b *bench) encoder(c objc.Object) objc.Object {
	e := compute.Object(c, uintptr(uint64(1)))
	setPipeline.Send(e, uintptr(b.kernel()))
	return e
}

// encoding does something with an encoder that is never committed.
func encoding(f func(e objc.Object)) func(*bench) {
	return func(b *bench) {
		e := b.encoder(retained.Object(b.queue.Object))
		f(e)
		end.Send(e)
	}
}
