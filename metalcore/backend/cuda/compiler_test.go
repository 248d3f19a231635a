//go:build linux

package cuda

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// blind is a driver without a GPU: it compiles, and its work does nothing.
type blind struct {
	c       *compiler
	kernels int
}

func (b *blind) Limits() gpu.Limits {
	return gpu.Limits{Device: "none", Kind: "cuda", Family: "sm_90", Threads: 1024, Shared: 48 << 10, Bindings: kernelBuffers,
		Groups: [3]int{1<<31 - 1, 65535, 65535}, MaxBuffer: 1 << 40, Memory: 1 << 40}
}

func (b *blind) Alloc(n int64) (gpu.Memory, error) { return hostMemory(make([]byte, n)), nil }

func (b *blind) Compile(text string, names []string) ([]gpu.Pipeline, error) {
	if _, err := b.c.compile(text, 90); err != nil {
		return nil, err
	}
	b.kernels += len(names)
	return slices.Repeat([]gpu.Pipeline{nothing{}}, len(names)), nil
}

func (b *blind) Begin() (gpu.Recording, error) { return nothing{}, nil }
func (b *blind) Close() error                  { return nil }

type hostMemory []byte

func (m hostMemory) Len() int64                            { return int64(len(m)) }
func (m hostMemory) Upload(offset int64, src []byte) error { copy(m[offset:], src); return nil }
func (m hostMemory) Download(offset int64, dst []byte) error {
	copy(dst, m[offset:])
	return nil
}
func (m hostMemory) Free() {}

type nothing struct{}

func (nothing) Dispatch(*gpu.Dispatch)                {}
func (nothing) Run(gpu.Product, []gpu.Span, gpu.Span) {}
func (nothing) Barrier()                              {}
func (nothing) Commit(done func(error))               { done(nil) }
func (nothing) Threads() int                          { return 1024 }
func (nothing) Free()                                 {}

func TestCulprit(t *testing.T) {
	source := gpu.CUDA{}.Render([]gpu.Kernel{{Name: "good", Threads: 32}, {Name: "bad", Threads: 32, Body: "\tlocal = nonsense;\n"}})
	line := 1 + strings.Count(source[:strings.Index(source, "nonsense")], "\n")
	log := fmt.Sprintf("kernels.cu(3): warning: x\nkernels.cu(%d): error: nonsense is undefined\n", line)
	if got := culprit(source, log); got != "bad" {
		t.Errorf("the kernel is %q, want bad", got)
	}
	if got := culprit(source, "out of memory"); got != "" {
		t.Errorf("the kernel is %q where the log names none", got)
	}
}

func TestTarget(t *testing.T) {
	c := &compiler{version: "12.0", archs: []int{75, 80, 90}}
	for arch, want := range map[int]string{80: "sm_80", 100: "compute_90", 86: "compute_80"} {
		if got, _, err := c.target(arch); err != nil || got != "--gpu-architecture="+want {
			t.Errorf("sm_%d: %q, %v, want %s", arch, got, err, want)
		}
	}
	if _, _, err := c.target(35); err == nil || !strings.Contains(err.Error(), "sm_35") {
		t.Errorf("error %v, want one that names the GPU", err)
	}
}

func TestCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kernels")
	t.Setenv(EnvCache, dir)
	c := openCache()
	key, module := c.key("13.0", "-O", "text"), []byte("cubin")
	if c.load(key) != nil {
		t.Error("an empty cache has a module")
	}
	c.store(key, module)
	if got := c.load(key); !bytes.Equal(got, module) {
		t.Errorf("the module is %q, want %q", got, module)
	}
	if c.load(c.key("13.1", "-O", "text")) != nil {
		t.Error("the module of one version is that of another")
	}
	path := filepath.Join(dir, key)
	old := time.Now().Add(-2 * cacheAge)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if openCache().load(key) != nil {
		t.Error("an old module was kept")
	}
	c.store(key, module)
	if err := os.WriteFile(path, []byte("damaged, and longer than a digest is by far"), 0o644); err != nil {
		t.Fatal(err)
	}
	if c.load(key) != nil {
		t.Error("a damaged module was loaded")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%d files in the cache, want 1", len(entries))
	}
	t.Setenv(EnvCache, filepath.Join(path, "below a file"))
	if none := openCache(); none != "" {
		t.Errorf("the cache is %q where there can be none", none)
	} else if none.store(key, module); none.load(key) != nil {
		t.Error("no cache has a module")
	}
}
