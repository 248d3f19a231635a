package metal

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// pipeline is a kernel that is ready to run.
type pipeline struct {
	shared
	driver  *Driver
	name    string
	label   objc.Owned // the name, as signposts take it
	state   objc.Owned
	threads int
	freed   sync.Once
}

// Threads is the largest size of a threadgroup.
func (p *pipeline) Threads() int { return p.threads }

// Free gives the pipeline back, once what uses it has run.
func (p *pipeline) Free() { p.freed.Do(p.drop) }

// Compile builds the kernels of a text. Kernels that the archive has are taken
// from there; the others are compiled several at a time.
func (d *Driver) Compile(text string, names []string) ([]gpu.Pipeline, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	library, err := d.library(text, names)
	if err != nil {
		return nil, err
	}
	list := make([]*pipeline, len(names))
	errs := make([]error, len(names))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			objc.Pool(func() { list[i], errs[i] = d.pipeline(library.Object, name) })
		})
	}
	all.Wait()
	objc.Pool(func() {
		library.Release()
		d.archive.save()
	})
	if err := errors.Join(errs...); err != nil {
		for _, p := range list {
			if p != nil {
				p.Free()
			}
		}
		return nil, err
	}
	pipelines := make([]gpu.Pipeline, len(list))
	for i, p := range list {
		pipelines[i] = p
	}
	return pipelines, nil
}

// library compiles a text. It says which version of the language it is in, and
// that arithmetic is to be done as it is written.
func (d *Driver) library(text string, names []string) (library objc.Owned, err error) {
	objc.Pool(func() {
		options := newObject.Owned(d.class("MTLCompileOptions"))
		defer options.Release()
		setLanguageVersion.Send(options.Object, uintptr(mtlLanguageVersion3_0))
		if setMathMode.Has(options.Object) && setMathFunctions.Has(options.Object) {
			setMathMode.Send(options.Object, uintptr(mtlMathModeSafe))
			setMathFunctions.Send(options.Object, uintptr(mtlMathFloatingPointFunctionsPrecise))
		} else {
			setFastMath.Send(options.Object, uintptr(objc.False))
		}
		var e objc.Object
		library = newLibrary.Owned(d.device.Object, uintptr(objc.String(text)), uintptr(options.Object), uintptr(unsafe.Pointer(&e)))
		if library.Object == 0 {
			log := objc.ErrorOf(e).Text
			err = &gpu.CompileError{Kernel: blame(text, log, names), Log: log}
		}
	})
	return library, err
}

var logLine = regexp.MustCompile(`program_source:(\d+):`)

// blame finds the kernel in which the first line lies that the compiler names.
func blame(text, log string, names []string) string {
	m := logLine.FindStringSubmatch(log)
	if m == nil {
		return ""
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return ""
	}
	kernel := ""
	for line := range strings.Lines(text) {
		if n--; n < 0 {
			break
		}
		for _, name := range names {
			if strings.Contains(line, "kernel") && strings.Contains(line, " "+name+"(") {
				kernel = name
			}
		}
	}
	return kernel
}

func (d *Driver) pipeline(library objc.Object, name string) (*pipeline, error) {
	function := newFunction.Owned(library, uintptr(objc.String(name)))
	if function.Object == 0 {
		return nil, &gpu.CompileError{Kernel: name, Log: "the text has no kernel of this name"}
	}
	defer function.Release()
	options := newObject.Owned(d.class("MTLComputePipelineDescriptor"))
	defer options.Release()
	setFunction.Send(options.Object, uintptr(function.Object))
	setPipelineLabel.Send(options.Object, uintptr(objc.String(name)))
	state, err := d.state(options.Object)
	if err != nil {
		return nil, &gpu.CompileError{Kernel: name, Log: err.Text}
	}
	if w := threadWidth.Word(state.Object); w != simdWidth {
		state.Release()
		return nil, &gpu.CompileError{Kernel: name, Log: fmt.Sprintf("SIMD groups have %d threads, not %d", w, simdWidth)}
	}
	p := &pipeline{driver: d, name: name, state: state, threads: int(maxThreads.Word(state.Object)), label: objc.String(name).Retain()}
	p.init(p.release)
	d.stats.pipelines.Add(1)
	return p, nil
}

// state takes a pipeline from the archive, or compiles it.
func (d *Driver) state(options objc.Object) (objc.Owned, *objc.Error) {
	if d.archive.object.Object == 0 {
		return d.compileState(options, mtlPipelineOptionNone)
	}
	setArchives.Send(options, uintptr(objc.Array(d.archive.object.Object)))
	if d.archive.has() {
		if s, err := d.compileState(options, mtlPipelineOptionFailOnBinaryArchiveMiss); err == nil {
			return s, nil
		}
	}
	s, err := d.compileState(options, mtlPipelineOptionNone)
	if err == nil {
		d.archive.add(options)
	}
	return s, err
}

func (d *Driver) compileState(options objc.Object, how uint64) (objc.Owned, *objc.Error) {
	var e objc.Object
	s := newPipeline.Owned(d.device.Object, uintptr(options), uintptr(how), uintptr(unsafe.Pointer((*objc.Object)(nil))), uintptr(unsafe.Pointer(&e)))
	if s.Object == 0 {
		return s, objc.ErrorOf(e)
	}
	return s, nil
}

func (p *pipeline) release() {
	objc.Pool(func() {
		p.state.Release()
		p.label.Release()
	})
	p.driver.stats.pipelines.Add(-1)
}
