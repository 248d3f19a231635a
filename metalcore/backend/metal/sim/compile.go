package sim

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ebitengine/purego"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// unit is a kernel with what it needs. Its key tells it from all others.
type unit struct {
	kernelText
	prelude string
	watched bool // it tells of each access
	key     string
	entry   uintptr // sim::Entry, once it is loaded
}

func newUnit(prelude string, k kernelText, watched bool) *unit {
	h := sha256.New()
	fmt.Fprint(h, len(prelude), prelude, k.name, k.text, k.bindings, k.waits, watched)
	return &unit{kernelText: k, prelude: prelude, watched: watched, key: fmt.Sprintf("%x", h.Sum(nil)[:16])}
}

// unitsOf are the kernels of texts.
func unitsOf(texts []string, watched bool) ([]*unit, error) {
	var out []*unit
	for _, text := range texts {
		s, err := parse(text)
		if err != nil {
			return nil, err
		}
		for _, k := range s.kernels {
			out = append(out, newUnit(s.prelude, k, watched))
		}
	}
	return out, nil
}

// load makes units ready: it compiles what no cache has.
func (t *toolchain) load(units []*unit) error {
	if err := t.build(units, maxBatch); err != nil {
		return err
	}
	for _, u := range units {
		if err := t.bind(u); err != nil {
			return err
		}
	}
	return nil
}

// maxBatch is how many kernels clang gets at once: enough that it starts and
// reads the headers rarely, and that two processes have their share.
const maxBatch = 50

// build compiles the units that are not in the cache, several batches at once.
// A kernel that does not compile does not take others with it.
func (t *toolchain) build(units []*unit, size int) error {
	var missing []*unit
	seen := map[string]bool{}
	for _, u := range units {
		if !seen[u.key] && !t.ready(u) && t.batchOf(u.key) == "" {
			missing = append(missing, u)
		}
		seen[u.key] = true
	}
	return each(missing, size, t.buildBatch)
}

// each calls f with batches of units, on several at once.
func each(units []*unit, size int, f func([]*unit) error) error {
	batches := split(units, min(size, (len(units)+processes-1)/processes))
	errs := make([]error, len(batches))
	var wg sync.WaitGroup
	for i, batch := range batches {
		wg.Go(func() { errs[i] = f(batch) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// split makes batches of units with the same prelude, and different names. All
// are watched, or none.
func split(units []*unit, size int) [][]*unit {
	var out [][]*unit
	type kind struct {
		prelude string
		watched bool
	}
	open := map[kind][]int{} // batches that are not full
next:
	for _, u := range units {
		k := kind{u.prelude, u.watched}
		for _, i := range open[k] {
			if !slices.ContainsFunc(out[i], func(o *unit) bool { return o.name == u.name }) {
				if out[i] = append(out[i], u); len(out[i]) == size {
					open[k] = slices.DeleteFunc(open[k], func(j int) bool { return j == i })
				}
				continue next
			}
		}
		if size > 1 {
			open[k] = append(open[k], len(out))
		}
		out = append(out, []*unit{u})
	}
	return out
}

func (t *toolchain) buildBatch(batch []*unit) error {
	h := sha256.New()
	for _, u := range batch {
		h.Write([]byte(u.key))
	}
	so := filepath.Join(t.dir, fmt.Sprintf("%x.so", h.Sum(nil)[:16]))
	flags := kernelFlags
	if batch[0].watched {
		flags = append(slices.Clone(kernelFlags), watchFlags...)
	}
	log, err := t.compile(render(batch), so, flags)
	if err != nil && log == "" {
		return fmt.Errorf("sim: clang++: %w", err)
	}
	if err != nil {
		return t.without(batch, log)
	}
	for _, u := range batch {
		if err := t.remember(u.key, so); err != nil {
			return err
		}
	}
	return nil
}

// without builds a batch again without the kernels that a log of errors names.
func (t *toolchain) without(batch []*unit, log string) error {
	named := map[string]bool{}
	for _, m := range errorRE.FindAllStringSubmatch(log, -1) {
		named[m[1]] = true
	}
	rest := slices.DeleteFunc(slices.Clone(batch), func(u *unit) bool { return named[u.name] })
	err := compileError(batch, log)
	if len(rest) == 0 || len(rest) == len(batch) {
		return err
	}
	return errors.Join(err, t.buildBatch(rest))
}

// A line of a log that is about a kernel: of an error, or of what led to one
// that is in the prelude.
var errorRE = regexp.MustCompile(`(?m)^(\w+)\.metal:\d+:\d+: (?:fatal error|error|note: in instantiation)`)

func compileError(batch []*unit, log string) error {
	e := &gpu.CompileError{Log: strings.TrimSpace(log)}
	for _, m := range errorRE.FindAllStringSubmatch(log, -1) {
		if slices.ContainsFunc(batch, func(u *unit) bool { return u.name == m[1] }) {
			e.Kernel = m[1]
			break
		}
	}
	return e
}

// render is the C++ of a batch. Its lines are those of MSL.
func render(batch []*unit) string {
	var b strings.Builder
	if batch[0].watched {
		b.WriteString("#include \"watch.h\"\n")
	}
	fmt.Fprintf(&b, "#include \"metal_stdlib.h\"\n#line 1 \"prelude.metal\"\n%s\n", batch[0].prelude)
	for _, u := range batch {
		fmt.Fprintf(&b, "#line %d \"%s.metal\"\n%s\n", u.line, u.name, u.text)
		waits := 0
		if u.waits {
			waits = 1
		}
		fmt.Fprintf(&b, "SIM_KERNEL(%s)\n", strings.Join(append([]string{u.name, fmt.Sprint(waits)}, u.bindings...), ", "))
	}
	return b.String()
}

func (t *toolchain) ready(u *unit) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.units[u.key]
	if known != nil {
		u.entry = known.entry
	}
	return known != nil
}

// bind finds the kernel in its library.
func (t *toolchain) bind(u *unit) error {
	if t.ready(u) {
		return nil
	}
	so := t.batchOf(u.key)
	if so == "" {
		return fmt.Errorf("sim: kernel %s is gone from %s", u.name, t.dir)
	}
	lib, err := t.open(so)
	if err != nil {
		return err
	}
	if u.entry, err = purego.Dlsym(lib, "sim_kernel_"+u.name); err != nil {
		return fmt.Errorf("sim: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.units[u.key] = u
	return nil
}
