//go:build linux

package metal

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/fake"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// kernels are what the tests run, in Go: package sim runs real ones.
var kernels = map[string]func(l *fake.Launch) error{
	"copy": func(l *fake.Launch) error {
		n := l.Groups[0] * l.Threads[0]
		copy(floats(l, 1)[:n], floats(l, 0)[:n])
		return nil
	},
	"double": func(l *fake.Launch) error {
		for i := range l.Groups[0] * l.Threads[0] {
			floats(l, 0)[i] *= 2
		}
		return nil
	},
	"increment": func(l *fake.Launch) error {
		for i := range l.Groups[0] * l.Threads[0] {
			floats(l, 0)[i]++
		}
		return nil
	},
	"crash": func(*fake.Launch) error { return errors.New("an access out of bounds") },
}

// floats is what a kernel sees of a buffer.
func floats(l *fake.Launch, i int) []float32 {
	return unsafe.Slice((*float32)(l.Buffers[i]), l.Bytes[i]/4)
}

var kernelName = regexp.MustCompile(`kernel void (\w+)\(`)

func compileTable(text string) (func(string) fake.Kernel, error) {
	for i, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "undeclared") {
			return nil, fmt.Errorf("program_source:%d:7: error: use of undeclared identifier", i+1)
		}
	}
	has := map[string]bool{}
	for _, m := range kernelName.FindAllStringSubmatch(text, -1) {
		has[m[1]] = true
	}
	return func(name string) fake.Kernel {
		if !has[name] {
			return nil
		}
		return kernels[name]
	}, nil
}

// text is a library with the kernels.
func text(names ...string) string {
	var b strings.Builder
	for _, n := range names {
		fmt.Fprintf(&b, "kernel void %s() {\n}\n", n)
	}
	return b.String()
}

func libraries(t testing.TB) objc.Libraries {
	t.Helper()
	l, err := fake.Libraries()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// prepare makes the stand-in ready; at the end of the test nothing may live, and
// nothing may have been noticed.
func prepare(t testing.TB) objc.Libraries {
	t.Helper()
	l := libraries(t)
	fake.Reset()
	fake.SetCompiler(compileTable)
	before := fake.Live()
	t.Cleanup(func() {
		if s := fake.Errors(); s != "" {
			t.Errorf("the stand-in has noticed:\n%s", s)
		}
		for class, n := range fake.Live() {
			if n > before[class] {
				t.Errorf("%d objects of class %s live, %d before", n, class, before[class])
			}
		}
		fake.Reset()
	})
	return l
}

// open opens a driver on a machine with the knobs, names and values in turns.
// The test's end closes it.
func open(t testing.TB, o Options, knobs ...any) *Driver {
	t.Helper()
	o.Libraries = prepare(t)
	for i := 0; i < len(knobs); i += 2 {
		fake.Knob(knobs[i].(string), knobs[i+1].(int))
	}
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if s := d.Stats(); s != (Stats{}) {
			t.Errorf("the driver holds %+v after its end", s)
		}
	})
	return d
}

func build(t testing.TB, d *Driver, names ...string) []gpu.Pipeline {
	t.Helper()
	list, err := d.Compile(text(names...), names)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		t.Cleanup(p.Free)
	}
	return list
}
