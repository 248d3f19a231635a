//go:build linux

package cuda

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// EnvNVRTC names the environment variable with the path of NVRTC's library, for
// where the system does not find it by its name.
const EnvNVRTC = "METALNB_NVRTC"

var compilerNames = []string{"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2",
	"/usr/local/cuda/lib64/libnvrtc.so", "/opt/cuda/lib64/libnvrtc.so"}

var compilerFunctions = []string{
	"nvrtcVersion", "nvrtcGetErrorString", "nvrtcGetNumSupportedArchs", "nvrtcGetSupportedArchs", "nvrtcCreateProgram", "nvrtcDestroyProgram",
	"nvrtcCompileProgram", "nvrtcGetProgramLogSize", "nvrtcGetProgramLog", "nvrtcGetCUBINSize", "nvrtcGetCUBIN", "nvrtcGetPTXSize", "nvrtcGetPTX",
}

// compiler is NVRTC.
type compiler struct {
	lib     *library
	version string
	archs   []int // that it knows: 90 for sm_90
	cache   cache
}

// openCompiler opens NVRTC.
func openCompiler() (*compiler, error) {
	names := compilerNames
	if path := os.Getenv(EnvNVRTC); path != "" {
		names = []string{path}
	}
	lib, err := open(names, compilerFunctions)
	if err != nil {
		return nil, err
	}
	lib.explain = func(code int) string {
		p, _, _ := purego.SyscallN(lib.functions["nvrtcGetErrorString"], uintptr(code))
		return text(*(**byte)(unsafe.Pointer(&p)))
	}
	c := &compiler{lib: lib, cache: openCache()}
	var major, minor, n int32
	if err := lib.call("nvrtcVersion", uintptr(unsafe.Pointer(&major)), uintptr(unsafe.Pointer(&minor))); err != nil {
		return nil, err
	}
	c.version = fmt.Sprintf("%d.%d", major, minor)
	if err := lib.call("nvrtcGetNumSupportedArchs", uintptr(unsafe.Pointer(&n))); err != nil {
		return nil, err
	}
	archs := make([]int32, n+1)
	if err := lib.call("nvrtcGetSupportedArchs", uintptr(unsafe.Pointer(&archs[0]))); err != nil {
		return nil, err
	}
	for _, a := range archs[:n] {
		c.archs = append(c.archs, int(a))
	}
	return c, nil
}

// target is how to compile for a GPU: to its machine code, or, where the
// compiler is older than the GPU, to PTX, which the driver translates.
func (c *compiler) target(arch int) (option string, ptx bool, err error) {
	if slices.Contains(c.archs, arch) {
		return fmt.Sprintf("--gpu-architecture=sm_%d", arch), false, nil
	}
	best := 0
	for _, a := range c.archs {
		if a < arch {
			best = max(best, a)
		}
	}
	if best == 0 {
		return "", false, fmt.Errorf("NVRTC %s does not compile for sm_%d; install one that does", c.version, arch)
	}
	return fmt.Sprintf("--gpu-architecture=compute_%d", best), true, nil
}

// compile makes a module of a text for a GPU.
func (c *compiler) compile(source string, arch int) ([]byte, error) {
	target, ptx, err := c.target(arch)
	if err != nil {
		return nil, err
	}
	options := []string{target, "--std=c++17", "--fmad=false", "-default-device", "--disable-warnings"}
	key := c.cache.key(c.version, strings.Join(options, " "), source)
	if module := c.cache.load(key); module != nil {
		return module, nil
	}
	module, err := c.build(source, options, ptx)
	if err == nil {
		c.cache.store(key, module)
	}
	return module, err
}

func (c *compiler) build(source string, options []string, ptx bool) ([]byte, error) {
	var program uintptr
	code, name := cString(source), cString(fileName)
	err := c.lib.call("nvrtcCreateProgram", uintptr(unsafe.Pointer(&program)), uintptr(unsafe.Pointer(code)), uintptr(unsafe.Pointer(name)), 0, 0, 0)
	if err != nil {
		return nil, err
	}
	defer func() { c.lib.call("nvrtcDestroyProgram", uintptr(unsafe.Pointer(&program))) }()
	list := make([]*byte, len(options))
	for i, o := range options {
		list[i] = cString(o)
	}
	if err := c.lib.call("nvrtcCompileProgram", program, uintptr(len(list)), uintptr(unsafe.Pointer(&list[0]))); err != nil {
		log, _ := c.result(program, "nvrtcGetProgramLog")
		why := strings.TrimRight(string(log), "\x00\n")
		return nil, &gpu.CompileError{Kernel: culprit(source, why), Log: fmt.Sprintf("%v\n%s", err, why)}
	}
	if ptx {
		return c.result(program, "nvrtcGetPTX")
	}
	return c.result(program, "nvrtcGetCUBIN")
}

// result gets what a program has become.
func (c *compiler) result(program uintptr, what string) ([]byte, error) {
	var size uintptr
	if err := c.lib.call(what+"Size", program, uintptr(unsafe.Pointer(&size))); err != nil {
		return nil, err
	}
	data := make([]byte, size+1)
	err := c.lib.call(what, program, uintptr(unsafe.Pointer(&data[0])))
	return data[:size], err
}

// cString is a string as C has it.
func cString(s string) *byte {
	b := append([]byte(s), 0)
	return &b[0]
}

const fileName = "kernels.cu"

var (
	errorLine  = regexp.MustCompile(fileName + `\((\d+)\): error`)
	kernelLine = regexp.MustCompile(`__global__ void \S+ (\w+)\(`)
)

// culprit is the kernel that the first error of a log is in.
func culprit(source, log string) string {
	m := errorLine.FindStringSubmatch(log)
	if m == nil {
		return ""
	}
	n, _ := strconv.Atoi(m[1])
	lines := strings.Split(source, "\n")
	for i := min(n, len(lines)) - 1; i >= 0; i-- {
		if k := kernelLine.FindStringSubmatch(lines[i]); k != nil {
			return k[1]
		}
	}
	return ""
}
