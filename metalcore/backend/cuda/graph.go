//go:build linux

package cuda

import (
	"slices"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// A step of a small network is many launches of kernels that take less time than
// the launch. So what is launched again and again is made a graph, which CUDA
// launches at once.

// graphsKept is how many graphs, of what was launched last, are kept.
const graphsKept = 16

// captureThreadLocal leaves other threads alone while one captures.
const captureThreadLocal = 1

// graph is a sequence of launches, which has a handle once it has come twice.
type graph struct {
	launches []launch
	buffers  []uint64
	came     int
	handle   uintptr
}

// find returns the graph of a sequence, which becomes the first of those that
// are kept. It is called with d.mu held.
func (d *driver) find(launches []launch, buffers []uint64) *graph {
	at := slices.IndexFunc(d.graphs, func(g *graph) bool { return slices.Equal(g.launches, launches) && slices.Equal(g.buffers, buffers) })
	var g *graph
	if at < 0 {
		g = &graph{launches: slices.Clone(launches), buffers: slices.Clone(buffers)}
		if len(d.graphs) == graphsKept {
			d.drop(graphsKept - 1)
		}
	} else {
		g = d.graphs[at]
		d.graphs = slices.Delete(d.graphs, at, at+1)
	}
	d.graphs = slices.Insert(d.graphs, 0, g)
	return g
}

// drop forgets a graph.
func (d *driver) drop(i int) {
	if h := d.graphs[i].handle; h != 0 {
		d.call("cuGraphExecDestroy", h)
	}
	d.graphs = slices.Delete(d.graphs, i, i+1)
}

// dropOf forgets the graphs that launch a kernel, nil for all.
func (d *driver) dropOf(p *pipeline) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := len(d.graphs) - 1; i >= 0; i-- {
		if p == nil || slices.ContainsFunc(d.graphs[i].launches, func(l launch) bool { return l.kernel == p }) {
			d.drop(i)
		}
	}
}

// repeat launches a sequence so many times. It is called with d.mu held.
func (d *driver) repeat(launches []launch, buffers []uint64, times int) error {
	g := d.find(launches, buffers)
	if g.came += times; g.came == 1 {
		return d.launch(launches, buffers)
	}
	if g.handle == 0 {
		if err := d.capture(g); err != nil {
			return err
		}
	}
	for range times {
		if err := d.cuda.call("cuGraphLaunch", g.handle, d.kernels); err != nil {
			return &gpu.RunError{Cause: err.Error()}
		}
	}
	return nil
}

// capture makes a sequence a graph.
func (d *driver) capture(g *graph) error {
	if err := d.cuda.call("cuStreamBeginCapture_v2", d.kernels, captureThreadLocal); err != nil {
		return &gpu.RunError{Cause: err.Error()}
	}
	failed := d.launch(g.launches, g.buffers)
	var captured uintptr
	err := d.cuda.call("cuStreamEndCapture", d.kernels, uintptr(unsafe.Pointer(&captured)))
	if failed == nil && err == nil {
		err = d.cuda.call("cuGraphInstantiateWithFlags", uintptr(unsafe.Pointer(&g.handle)), captured, 0)
	}
	if captured != 0 {
		d.cuda.call("cuGraphDestroy", captured)
	}
	if failed != nil {
		return failed
	}
	if err != nil {
		return &gpu.RunError{Cause: err.Error()}
	}
	return nil
}
