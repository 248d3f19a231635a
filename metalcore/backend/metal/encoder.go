package metal

import (
	"errors"

	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// encoder writes a recording into command buffers: one, unless MPSGraph goes on
// in another.
type encoder struct {
	driver     *Driver
	completion *completion

	buffer   objc.Object // the command buffer, which the completion holds
	unwatch  func()      // the completion is told when the buffer has run; this takes it back
	graphs   objc.Object // the buffer as MPSGraph takes it, once it was asked for
	compute  objc.Object // the open encoder, if there is one
	pipeline *pipeline   // that is set there
	bound    [bindings]binding
	sizes    *[2]objc.Size
	diagnose bool
}

var (
	errNoBuffer  = errors.New("the GPU takes no more work: the system gives no command buffer")
	errNoEncoder = errors.New("the GPU takes no more work: the system gives no encoder")
)

// encode sends all work and commits it. After an error nothing is committed but
// what MPSGraph has committed itself.
func (e *encoder) encode(work []command) error {
	e.sizes = new([2]objc.Size)
	e.diagnose = e.driver.diagnose.Load()
	buffer := e.newBuffer()
	if buffer == 0 {
		return errNoBuffer
	}
	e.enter(buffer)
	err := e.all(work)
	e.end()
	if err != nil {
		if e.unwatch != nil {
			e.unwatch()
		}
		return err
	}
	e.ready()
	if e.graphs != 0 {
		commit.Send(e.graphs)
	} else {
		commit.Send(e.buffer)
	}
	return nil
}

// newBuffer returns a command buffer that keeps nothing alive: the completion
// does, for less.
func (e *encoder) newBuffer() objc.Object {
	queue := e.driver.queue.Object
	if !e.diagnose {
		return commandBuffer.Object(queue)
	}
	options := newObject.Owned(e.driver.class("MTLCommandBufferDescriptor"))
	defer options.Release()
	setRetained.Send(options.Object, uintptr(objc.False))
	setErrorOptions.Send(options.Object, uintptr(mtlCommandBufferErrorOptionEncoderExecutionStatus))
	return commandBufferWith.Object(queue, uintptr(options.Object))
}

// enter goes on in a command buffer.
func (e *encoder) enter(buffer objc.Object) {
	e.buffer, e.unwatch = buffer, nil
}

// ready comes before what may commit the buffer: what it uses is resident, and the
// completion is told when it has run.
func (e *encoder) ready() {
	e.driver.residency.update()
	if e.unwatch == nil {
		var block objc.Block
		block, e.unwatch = e.completion.watch(e.buffer)
		addCompleted.Send(e.buffer, uintptr(block))
	}
}

func (e *encoder) all(work []command) error {
	for i := range work {
		c := &work[i]
		var err error
		switch {
		case c.pipeline != nil:
			err = e.dispatch(c)
		case c.product != nil:
			e.end()
			err = c.product.encode(e, c.bound)
		case e.compute != 0: // encoders are ordered by the buffers they use
			memoryBarrier.Send(e.compute, uintptr(mtlBarrierScopeBuffers))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// end ends the open encoder.
func (e *encoder) end() {
	if e.compute != 0 {
		endEncoding.Send(e.compute)
		e.compute, e.pipeline = 0, nil
		clear(e.bound[:])
	}
}

func (e *encoder) dispatch(c *command) error {
	if e.compute == 0 {
		if e.compute = computeEncoder.Object(e.buffer, uintptr(mtlDispatchTypeConcurrent)); e.compute == 0 {
			return errNoEncoder
		}
	}
	if e.pipeline != c.pipeline {
		e.pipeline = c.pipeline
		setPipeline.Send(e.compute, uintptr(c.pipeline.state.Object))
	}
	for i, b := range c.bound {
		if e.bound[i] != b {
			e.bound[i] = b
			setBuffer.Send(e.compute, uintptr(b.buffer), uintptr(uint64(b.offset)), uintptr(uint64(i)))
		}
	}
	if e.diagnose {
		signpost.Send(e.compute, uintptr(c.pipeline.label.Object))
	}
	e.sizes[0] = objc.Size{Width: uint64(c.groups[0]), Height: uint64(c.groups[1]), Depth: uint64(c.groups[2])}
	e.sizes[1] = objc.Size{Width: uint64(c.threads), Height: 1, Depth: 1}
	dispatchGroups.Sizes(e.compute, e.sizes)
	return nil
}

// forGraphs returns the command buffer as MPSGraph takes it, which may commit it
// and go on in another: settle finds out.
func (e *encoder) forGraphs() objc.Object {
	if e.graphs == 0 {
		e.graphs = mpsCommandBuffer.Object(e.driver.class("MPSCommandBuffer"), uintptr(e.buffer))
	}
	e.ready()
	return e.graphs
}

func (e *encoder) settle() {
	if root := mpsRoot.Object(e.graphs); root != e.buffer {
		e.enter(root)
	}
}

// copy copies between buffers.
func (e *encoder) copy(from, to binding, bytes int64) error {
	blit := blitEncoder.Object(e.buffer)
	if blit == 0 {
		return errNoEncoder
	}
	copyBuffer.Send(blit, uintptr(from.buffer), uintptr(uint64(from.offset)), uintptr(to.buffer), uintptr(uint64(to.offset)), uintptr(uint64(bytes)))
	endEncoding.Send(blit)
	return nil
}
