package sim

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/backend/gpu"
)

// source is a text of MSL: kernels, and all that they may use.
type source struct {
	prelude string
	kernels []kernelText
}

// kernelText is a kernel as C++.
type kernelText struct {
	name     string
	text     string
	msl      string   // as it was
	line     int      // where it begins in MSL
	bindings []string // of its parameters
	buffers  []int    // that must be bound
	threads  int      // of a threadgroup, at most
	waits    bool     // its threads wait for each other
}

// item is a declaration at the top of a text.
type item struct {
	tokens []token
	kernel bool
}

// items are the declarations and directives of a text.
func items(text string) []item {
	var out []item
	ts := lex(text, true)
	begin := 0
	for i := 0; i < len(ts); i++ {
		end := false
		switch s := ts[i].text; {
		case s == ";", isDirective(s):
			end = true
		case s == "{":
			i = closing(ts, i)
			end = true
		case s == "(":
			i = closing(ts, i)
		}
		if end || i == len(ts)-1 {
			out = append(out, item{tokens: ts[begin : i+1]})
			begin = i + 1
		}
	}
	for i := range out {
		for _, t := range out[i].tokens {
			if t.text == "{" || t.text == ";" {
				break
			}
			out[i].kernel = out[i].kernel || t.text == "kernel"
		}
	}
	return out
}

func isDirective(s string) bool { return len(s) > 1 && s[0] == '#' }

var ownHeader = regexp.MustCompile(`^#[ \t]*include[ \t]*<(metal_|simd/)`)

// parse splits a text and rewrites its kernels.
func parse(text string) (*source, error) {
	text = floats(text)
	s := new(source)
	all := items(text)
	waiting := waitingNames(all)
	var out []edit
	for _, it := range all {
		first, last := it.tokens[0], it.tokens[len(it.tokens)-1]
		whole := text[first.pos:last.end]
		if !it.kernel {
			if ownHeader.MatchString(whole) {
				out = append(out, edit{first.pos, last.end, ""})
			}
			continue
		}
		k, err := rewriteKernel(text, it.tokens)
		if err != nil {
			return nil, err
		}
		k.line = 1 + strings.Count(text[:first.pos], "\n")
		k.waits = slices.ContainsFunc(it.tokens, func(t token) bool { return waiting(t.text) })
		s.kernels = append(s.kernels, *k)
		out = append(out, edit{first.pos, last.end, blank(whole)})
	}
	s.prelude = strings.TrimRight(apply(text, out), "\n \t") + "\n"
	for i, k := range s.kernels {
		if slices.ContainsFunc(s.kernels[:i], func(o kernelText) bool { return o.name == k.name }) {
			return nil, &gpu.CompileError{Kernel: k.name, Log: fmt.Sprintf("%s.metal:%d: error: a second kernel of this name", k.name, k.line)}
		}
	}
	return s, nil
}

var waits = regexp.MustCompile(`^(threadgroup_barrier|simdgroup_\w+|simd_\w+|make_filled_simdgroup_matrix)$`)

// waitingNames tells which names stand for what makes threads wait for each
// other: functions of MSL, and functions and macros of the text that use one.
func waitingNames(all []item) func(string) bool {
	found := map[string]bool{}
	is := func(name string) bool { return found[name] || waits.MatchString(name) }
	for changed := true; changed; {
		changed = false
		for _, it := range all {
			name, body := definition(it)
			if name == "" || found[name] {
				continue
			}
			if slices.ContainsFunc(body, func(t token) bool { return is(t.text) }) {
				found[name], changed = true, true
			}
		}
	}
	return is
}

// definition returns the name of a function or macro, and what it stands for.
func definition(it item) (string, []token) {
	if t := it.tokens[0]; isDirective(t.text) {
		words := lex(t.text, false)
		if len(words) < 3 || words[1].text != "define" {
			return "", nil
		}
		return words[2].text, words[3:]
	}
	for i, t := range it.tokens {
		if t.text == "(" && i > 0 {
			return it.tokens[i-1].text, it.tokens[i:]
		}
	}
	return "", nil
}
