//go:build linux

package fake

import (
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ebitengine/purego"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

//go:embed src
var sources embed.FS

var flags = []string{"-std=c++17", "-O1", "-Wall", "-Wno-unused-function", "-fPIC", "-shared", "-fvisibility=hidden", "-pthread"}

// control holds the functions by which tests steer the library.
var control struct {
	errors, live, methods func() string
	fault                 func(kind string, skip, count int)
	knob                  func(name string, value int)
	reset                 func()
	messages              func() uint64
	compiler              func(compile, find, run uintptr)
}

// Libraries returns the stand-in as package objc loads it. It is compiled if
// there is none in METALNB_FAKE_CACHE, or else in the user's cache.
var Libraries = sync.OnceValues(func() (objc.Libraries, error) {
	path, err := build()
	if err != nil {
		return objc.Libraries{}, err
	}
	lib, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return objc.Libraries{}, fmt.Errorf("fake: %w", err)
	}
	for name, f := range map[string]any{
		"fake_errors": &control.errors, "fake_live": &control.live, "fake_methods": &control.methods, "fake_fault": &control.fault,
		"fake_knob": &control.knob, "fake_reset": &control.reset, "fake_messages": &control.messages, "fake_compiler": &control.compiler,
	} {
		purego.RegisterLibFunc(f, lib, name)
	}
	control.compiler(purego.NewCallback(compile), purego.NewCallback(find), purego.NewCallback(run))
	return objc.Libraries{Runtime: path}, nil
})

func build() (string, error) {
	clang, err := exec.LookPath("clang++")
	if err != nil {
		return "", errors.New("fake: the stand-in for Metal needs clang++: apt install clang")
	}
	files, err := fs.Glob(sources, "src/*")
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, flags)
	for _, f := range files {
		text, err := sources.ReadFile(f)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", f, len(text), text)
	}
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, fmt.Sprintf("metal-%x.so", h.Sum(nil)[:8]))
	if _, err := os.Stat(path); err == nil {
		return path, os.Chtimes(path, time.Now(), time.Now())
	}
	dropUnused(dir)
	return path, compileSources(clang, dir, path)
}

// unused is how long a library of other sources is kept.
const unused = 14 * 24 * time.Hour

func dropUnused(dir string) {
	old, _ := filepath.Glob(filepath.Join(dir, "metal-*.so"))
	for _, path := range old {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > unused {
			os.Remove(path)
		}
	}
}

func cacheDir() (string, error) {
	dir := os.Getenv("METALNB_FAKE_CACHE")
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("fake: no place for the library: %w; set METALNB_FAKE_CACHE", err)
		}
		dir = filepath.Join(user, "metalnb-fake")
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// compileSources makes the library, whole or not at all: other processes may
// make it at the same time.
func compileSources(clang, dir, path string) error {
	tmp, err := os.MkdirTemp(dir, "new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.CopyFS(tmp, sources); err != nil {
		return err
	}
	texts, err := filepath.Glob(filepath.Join(tmp, "src", "*.cpp"))
	if err != nil {
		return err
	}
	so := filepath.Join(tmp, "metal.so")
	args := append(append([]string{"-o", so}, flags...), texts...)
	if log, err := exec.Command(clang, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("fake: clang++: %w\n%s", err, log)
	}
	return os.Rename(so, path)
}

// Reset forgets faults, knobs and errors. What lives stays.
func Reset() {
	control.reset()
	control.errors()
}

// Fault makes occurrences of a kind fail, after some that do not: count of
// them, or all if it is negative. Kinds are alloc, queue, compile, pipeline,
// archive, serialize, commandBuffer, encoder, blit, residency, mps, graph, commit (the
// GPU fails), and lost (it is gone, and with it all that is committed later).
func Fault(kind string, skip, count int) { control.fault(kind, skip, count) }

// Knob sets a number: macos (its major version), devices, family (of Apple's
// GPUs, 1007 to 1010; 0: none), threads (of a threadgroup), order (in which what
// no barrier separates is run; 0: as it came), swap (1: graphs swap the root
// command buffer), maxBuffer, workingSet, threadgroupMemory.
func Knob(name string, value int) { control.knob(name, value) }

// Errors returns what was noticed since it was last called, a line each.
func Errors() string { return control.errors() }

// Messages is the number of messages that were sent.
func Messages() uint64 { return control.messages() }

// Live counts the objects that are not deallocated, by their classes, when the
// GPU has nothing left to do.
func Live() map[string]int {
	out := map[string]int{}
	for line := range strings.Lines(control.live()) {
		class, n, _ := strings.Cut(strings.TrimSpace(line), " ")
		out[class], _ = strconv.Atoi(n)
	}
	return out
}

// Method is one that a class of the stand-in has. Those of a protocol's objects
// are of a class that has its name behind Fake.
type Method struct{ Class, Name, Types string }

// Methods returns all of them.
func Methods() []Method {
	var out []Method
	for line := range strings.Lines(control.methods()) {
		f := strings.Fields(line)
		out = append(out, Method{f[0], f[1], f[2]})
	}
	return out
}
