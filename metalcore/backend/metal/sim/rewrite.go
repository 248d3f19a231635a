package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// What a Metal kernel may have.
const (
	maxThreads  = 1024
	maxShared   = 32 << 10
	maxBindings = 31
	maxArrays   = 64 // in threadgroup memory; the runtime's own limit
)

// places are the attributes of parameters that say where a thread is, as the
// shim has them in sim::Binding.
var places = map[string]string{"thread_execution_width": "threads_per_simdgroup"}

func init() {
	for _, name := range []string{"thread_position_in_grid", "thread_position_in_threadgroup", "threadgroup_position_in_grid",
		"threads_per_threadgroup", "threads_per_grid", "threadgroups_per_grid", "dispatch_threads_per_threadgroup",
		"thread_index_in_threadgroup", "thread_index_in_simdgroup", "simdgroup_index_in_threadgroup", "threads_per_simdgroup",
		"simdgroups_per_threadgroup"} {
		places[name] = name
	}
}

// rewriting is a kernel on its way to C++.
type rewriting struct {
	kernelText
	src    string
	tokens []token
	edits  []edit
	arrays int
}

// rewriteKernel makes C++ of a kernel: attributes become bindings, and arrays
// in threadgroup memory a call that returns them.
func rewriteKernel(src string, ts []token) (*kernelText, error) {
	r := &rewriting{src: src, tokens: ts, kernelText: kernelText{threads: maxThreads}}
	open := slices.IndexFunc(ts, func(t token) bool { return t.text == "void" }) + 2
	if open < 2 || open >= len(ts) || ts[open].text != "(" {
		return nil, r.fail(ts[0], "a kernel is a function that returns void")
	}
	r.name = ts[open-1].text
	if ts[0].text == "template" {
		return nil, r.fail(ts[0], "templates of kernels are not simulated")
	}
	end := closing(ts, open)
	for _, step := range []func() error{
		func() error { return r.attributes(0, open) },
		func() error { return r.parameters(open+1, end) },
		func() error { return r.body(end + 1) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	begin, stop := ts[0].pos, ts[len(ts)-1].end
	for i := range r.edits {
		r.edits[i].pos -= begin
		r.edits[i].end -= begin
	}
	r.msl = src[begin:stop]
	r.text = apply(r.msl, r.edits)
	return &r.kernelText, nil
}

func (r *rewriting) fail(at token, format string, args ...any) error {
	line := 1 + strings.Count(r.src[:at.pos], "\n")
	return &gpu.CompileError{Kernel: r.name, Log: fmt.Sprintf("%s.metal:%d: error: ", r.name, line) + fmt.Sprintf(format, args...)}
}

// isAttribute reports whether one begins at i, as [[buffer(0)]] does.
func (r *rewriting) isAttribute(i int) bool {
	return r.tokens[i].text == "[" && i+1 < len(r.tokens) && r.tokens[i+1].text == "["
}

// attribute takes out the attribute at i, and returns its name, its number if
// it has one, and where it ends.
func (r *rewriting) attribute(i int) (name string, n, end int) {
	end = closing(r.tokens, i)
	name = strings.Join(strings.Fields(r.src[r.tokens[i+1].end:r.tokens[end-1].pos]), "")
	if base, arg, ok := strings.Cut(strings.TrimSuffix(name, ")"), "("); ok {
		name = base
		var err error
		if n, err = strconv.Atoi(arg); err != nil {
			n = -1
		}
	}
	e := edit{r.tokens[i].pos, r.tokens[end].end, ""}
	if name == "kernel" {
		e.text = name
	}
	r.edits = append(r.edits, e)
	return name, n, end
}

// attributes reads those of the kernel itself.
func (r *rewriting) attributes(i, end int) error {
	for ; i < end; i++ {
		if !r.isAttribute(i) {
			continue
		}
		at := r.tokens[i]
		name, n, last := r.attribute(i)
		switch {
		case name == "max_total_threads_per_threadgroup" && n > 0:
			r.threads = min(r.threads, n)
		case name != "kernel":
			return r.fail(at, "attribute %s of a kernel is not simulated", name)
		}
		i = last
	}
	return nil
}

// parameters binds each parameter to what its attribute says.
func (r *rewriting) parameters(i, end int) error {
	for begin := i; i <= end; i++ {
		switch s := r.tokens[i].text; {
		case r.isAttribute(i):
			at := r.tokens[i]
			name, n, last := r.attribute(i)
			binding, err := r.bind(at, name, n)
			if err != nil {
				return err
			}
			r.bindings = append(r.bindings, binding)
			i = last
			if next := r.tokens[i+1].text; next != "," && i+1 != end {
				return r.fail(at, "%q after an attribute", next)
			}
			begin = i + 2
		case s == "(":
			i = closing(r.tokens, i)
		case (s == "," || i == end) && begin < i:
			return r.fail(r.tokens[i], "parameter %s has no attribute", r.tokens[i-1].text)
		}
	}
	return nil
}

func (r *rewriting) bind(at token, name string, n int) (string, error) {
	switch {
	case name == "buffer" && n >= 0 && n < maxBindings && !slices.Contains(r.buffers, n):
		r.buffers = append(r.buffers, n)
		return fmt.Sprintf("sim::buffer + %d", n), nil
	case name == "threadgroup" && n >= 0 && n < maxBindings:
		return fmt.Sprintf("sim::threadgroup_memory + %d", n), nil
	case name == "buffer", name == "threadgroup":
		return "", r.fail(at, "%s(%d): indices are from 0 to %d, each used once", name, n, maxBindings-1)
	case places[name] == "":
		return "", r.fail(at, "attribute %s is not simulated", name)
	}
	return "sim::" + places[name], nil
}

// body rewrites arrays and variables in threadgroup memory.
func (r *rewriting) body(i int) error {
	for ; i < len(r.tokens); i++ {
		if r.tokens[i].text != "threadgroup" {
			continue
		}
		end := i + 1
		for !strings.Contains("*&;=(){}", r.tokens[end].text) {
			end++
		}
		switch r.tokens[end].text {
		case ";":
			if err := r.array(i, end); err != nil {
				return err
			}
			i = end
		case "=":
			return r.fail(r.tokens[i], "a variable in threadgroup memory has no initial value")
		}
	}
	return nil
}

// array rewrites a declaration as in threadgroup float a[8][16], b;
func (r *rewriting) array(begin, end int) error {
	ts := r.tokens
	name := begin + 2 // the token of the first name: behind the type, which may have arguments
	for name < end && ts[name+1].text != "[" && ts[name+1].text != "," && ts[name+1].text != ";" {
		name++
	}
	if name >= end {
		return r.fail(ts[begin], "a declaration in threadgroup memory without a name")
	}
	typ := r.src[ts[begin+1].pos:ts[name-1].end]
	var out strings.Builder
	for name < end {
		stop := name + 1
		for ts[stop].text == "[" {
			stop = closing(ts, stop) + 1
		}
		if r.arrays == maxArrays {
			return r.fail(ts[begin], "more than %d arrays in threadgroup memory", maxArrays)
		}
		dims := strings.TrimSpace(r.src[ts[name].end:ts[stop].pos])
		fmt.Fprintf(&out, "auto &%s = *sim::shared<%s%s>(%d);", ts[name].text, typ, dims, r.arrays)
		r.arrays++
		name = stop + 1
	}
	pos, stop := ts[begin].pos, ts[end].end
	r.edits = append(r.edits, edit{pos, stop, out.String() + blank(r.src[pos:stop])})
	return nil
}
