package sim

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/ebitengine/purego"
)

//go:embed shim
var shim embed.FS

// flags make clang compute as the GPU is asked to: nothing is contracted or
// reordered, and half is a type of its own.
var flags = append([]string{"-x", "c++", "-std=c++17", "-fPIC", "-shared", "-fvisibility=hidden", "-fno-exceptions", "-fno-rtti",
	"-fstack-clash-protection", "-ffp-contract=off", "-fno-math-errno", "-fsigned-char", "-Xclang", "-fnative-half-type", "-Xclang", "-fallow-half-arguments-and-returns",
	"-ferror-limit=0", "-Wno-everything", "-Werror=return-type", "-Werror=uninitialized"}, machineFlags[runtime.GOARCH]...)

var machineFlags = map[string][]string{"amd64": {"-march=x86-64-v3"}}

// Kernels are not optimized: they run once or twice, and compile ten times as fast.
var (
	runtimeFlags = []string{"-O2", "-Wl,--no-as-needed", "-lm"}
	kernelFlags  = []string{"-O0", "-nostdlib"}
	watchFlags   = []string{"-fsanitize=thread", "-mllvm", "-tsan-instrument-func-entry-exit=0", "-mllvm", "-tsan-distinguish-volatile=1",
		"-mllvm", "-tsan-instrument-memintrinsics=0"}
)

// toolchain is clang++, the shim's files, and the folder of what is compiled.
type toolchain struct {
	clang string
	dir   string // for this shim and this clang
	key   string
	run   uintptr // sim_run of the runtime
	slots chan struct{}

	mu     sync.Mutex
	loaded map[string]uintptr // by path
	units  map[string]*unit   // that are ready, by key
}

// processes of clang that run at once.
const processes = 2

var tools = sync.OnceValues(openToolchain)

func openToolchain() (*toolchain, error) {
	clang, err := exec.LookPath("clang++")
	if err != nil {
		return nil, errors.New("sim: Metal kernels on the CPU need clang++: apt install clang")
	}
	version, err := exec.Command(clang, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("sim: clang++ --version: %w", err)
	}
	h := sha256.New()
	fmt.Fprintln(h, string(version), flags, runtimeFlags, kernelFlags, watchFlags)
	files, err := shim.ReadDir("shim")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		text, err := shim.ReadFile("shim/" + f.Name())
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(h, "%s %d\n%s", f.Name(), len(text), text)
	}
	t := &toolchain{clang: clang, key: fmt.Sprintf("%x", h.Sum(nil)[:8]), slots: make(chan struct{}, processes),
		loaded: map[string]uintptr{}, units: map[string]*unit{}}
	if t.dir, err = cacheDir(t.key); err != nil {
		return nil, err
	}
	return t, t.loadRuntime()
}

// loadRuntime compiles the runtime, if it is not there, and loads it: kernels
// find its functions.
func (t *toolchain) loadRuntime() error {
	text, err := shim.ReadFile("shim/runtime.cpp")
	if err != nil {
		return err
	}
	so := filepath.Join(t.dir, "runtime.so")
	if _, err := os.Stat(so); err != nil {
		if log, err := t.compile(string(text), so, runtimeFlags); err != nil {
			return fmt.Errorf("sim: the runtime does not compile: %w\n%s", err, log)
		}
	}
	lib, err := purego.Dlopen(so, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("sim: %w", err)
	}
	t.run, err = purego.Dlsym(lib, "sim_run")
	return err
}

// compile makes a shared library of a text. What clang says is returned, too.
func (t *toolchain) compile(text, so string, more []string) (log string, err error) {
	t.slots <- struct{}{}
	defer func() { <-t.slots }()
	tmp, err := os.CreateTemp(t.dir, "so-*")
	if err != nil {
		return "", err
	}
	tmp.Close()
	defer os.Remove(tmp.Name())
	args := append([]string{"-I", filepath.Join(t.dir, "shim"), "-o", tmp.Name()}, flags...)
	args = append(append(args, "-"), more...)
	cmd := exec.Command(t.clang, args...)
	cmd.Stdin = strings.NewReader(text)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return out.String(), err
	}
	return out.String(), os.Rename(tmp.Name(), so)
}

// open loads a library, once.
func (t *toolchain) open(so string) (uintptr, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if lib, ok := t.loaded[so]; ok {
		return lib, nil
	}
	lib, err := purego.Dlopen(so, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return 0, fmt.Errorf("sim: %w", err)
	}
	t.loaded[so] = lib
	return lib, nil
}
