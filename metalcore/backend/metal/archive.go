package metal

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// archive keeps compiled pipelines in a file, so that the next process does not
// compile them again. A file that cannot be read, of another GPU or system, or
// grown too large, is made anew; one that cannot be written is done without.
type archive struct {
	path   string
	object objc.Owned // nil where nothing is kept

	mu    sync.Mutex // Metal does not say that an archive may be added to by several
	known bool       // it has something
	added bool       // since it was written
}

// largestArchive is the size of a file with more in it than is likely used.
const largestArchive = 128 << 20

func (a *archive) open(d *Driver, dir string) {
	if dir == "" || os.MkdirAll(dir, 0o700) != nil {
		return
	}
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, d.limits.Device)
	a.path = filepath.Join(dir, "kernels-"+name+".metalarchive")
	if info, err := os.Stat(a.path); err == nil && info.Size() <= largestArchive {
		a.object = d.newArchive(objc.FileURL(a.path))
		a.known = a.object.Object != 0
	}
	if a.object.Object == 0 {
		a.object = d.newArchive(0)
	}
}

func (d *Driver) newArchive(url objc.Object) objc.Owned {
	options := newObject.Owned(d.class("MTLBinaryArchiveDescriptor"))
	defer options.Release()
	if url != 0 {
		setArchiveURL.Send(options.Object, uintptr(url))
	}
	var e objc.Object
	return newArchive.Owned(d.device.Object, uintptr(options.Object), uintptr(unsafe.Pointer(&e)))
}

// has reports whether it is worth looking for a pipeline.
func (a *archive) has() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.known
}

// add enters the pipeline of a descriptor.
func (a *archive) add(pipeline objc.Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var e objc.Object
	if addToArchive.Bool(a.object.Object, uintptr(pipeline), uintptr(unsafe.Pointer(&e))) {
		a.known, a.added = true, true
	}
}

// save writes what was added, whole or not at all.
func (a *archive) save() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.added {
		return
	}
	next := a.path + ".next"
	var e objc.Object
	if serializeArchive.Bool(a.object.Object, uintptr(objc.FileURL(next)), uintptr(unsafe.Pointer(&e))) && os.Rename(next, a.path) == nil {
		a.added = false
		return
	}
	os.Remove(next)
}

func (a *archive) close() {
	a.object.Release()
	a.object = objc.Owned{}
}
