package metal

import (
	"sync"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// residency keeps all buffers where the GPU reaches them, so that a command
// buffer does not have to bring them there. macOS has it from 15 on; without it
// there is nothing to do.
type residency struct {
	mu      sync.Mutex
	set     objc.Owned // nil where there is none
	changed bool
}

func (r *residency) open(d *Driver) {
	class, err := objc.Class("MTLResidencySetDescriptor")
	if err != nil || !newResidencySet.Has(d.device.Object) || !addResidencySet.Has(d.queue.Object) {
		return
	}
	options := newObject.Owned(class)
	defer options.Release()
	var e objc.Object
	r.set = newResidencySet.Owned(d.device.Object, uintptr(options.Object), uintptr(unsafe.Pointer(&e)))
	if r.set.Object != 0 {
		addResidencySet.Send(d.queue.Object, uintptr(r.set.Object))
	}
}

func (r *residency) add(buffer objc.Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.set.Object != 0 {
		addAllocation.Send(r.set.Object, uintptr(buffer))
		r.changed = true
	}
}

func (r *residency) remove(buffer objc.Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.set.Object != 0 {
		removeAllocation.Send(r.set.Object, uintptr(buffer))
		r.changed = true
	}
}

// update makes changes count, before work that relies on them is committed.
func (r *residency) update() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed {
		commitResidency.Send(r.set.Object)
		requestResidency.Send(r.set.Object)
		r.changed = false
	}
}

func (r *residency) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set.Release()
	r.set = objc.Owned{}
}
