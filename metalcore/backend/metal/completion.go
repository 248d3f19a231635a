package metal

import (
	"sync"
	"sync/atomic"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// completion waits for the command buffers of a recording. Metal tells of each
// on a thread of its own.
type completion struct {
	driver  *Driver
	held    map[*shared]struct{}
	done    func(error)
	counted bool         // in flight
	open    atomic.Int64 // command buffers that run, and the encoding

	mu  sync.Mutex
	err error // the first one
}

func (c *completion) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// watch returns the block that a command buffer calls, and what undoes that if
// the buffer is not committed.
func (c *completion) watch(buffer objc.Object) (block objc.Block, undo func()) {
	c.open.Add(1)
	kept := buffer.Retain()
	block = objc.Handler(buffer, func(objc.Object) {
		objc.Pool(func() {
			if status.Word(buffer) != mtlCommandBufferStatusCompleted {
				c.fail(c.driver.runError(bufferError.Object(buffer)))
			}
			kept.Release()
		})
		c.leave()
	})
	return block, func() {
		objc.Forget(buffer)
		kept.Release()
		c.leave()
	}
}

// leave is called by each that has ended. The last one finishes, on a thread of
// Go's, since the caller's is Metal's.
func (c *completion) leave() {
	if c.open.Add(-1) > 0 {
		return
	}
	go func() {
		for s := range c.held {
			s.drop()
		}
		if c.counted {
			c.driver.stats.recordings.Add(-1)
			c.driver.flight.Done()
		}
		c.done(c.err)
	}()
}

// runError makes an error of that of a command buffer. From the first one on,
// command buffers keep what the next one needs to be told apart.
func (d *Driver) runError(o objc.Object) error {
	d.diagnose.Store(true)
	e := objc.ErrorOf(o)
	run := &gpu.RunError{Kernel: faulted(e), Cause: e.Error()}
	if e.Domain == "MTLCommandBufferErrorDomain" && e.Code == mtlCommandBufferErrorDeviceRemoved {
		run.Cause = "the GPU is gone, and with it all that it held; restart the core (" + e.Text + ")"
		d.lost.Store(run)
	}
	return run
}

// faulted is the last kernel that the encoder began which failed, if the error
// has kept it.
func faulted(e *objc.Error) string {
	key, err := objc.Function("MTLCommandBufferEncoderInfoErrorKey")
	if err != nil || e.Info == 0 {
		return ""
	}
	for _, info := range objc.Elements(objc.Value(e.Info, objc.Variable(key))) {
		if int64(infoState.Word(info)) != mtlCommandEncoderErrorStateFaulted {
			continue
		}
		if posts := objc.Elements(infoSignposts.Object(info)); len(posts) > 0 {
			return objc.Text(posts[len(posts)-1])
		}
	}
	return ""
}
