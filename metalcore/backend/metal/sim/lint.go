package sim

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// lintFlags are of clang's C++ for OpenCL, without a generic address space: as
// in MSL, each pointer has one of its own.
var lintFlags = []string{"-x", "cl", "-cl-std=clc++2021", "-target", "spir64", "-fsyntax-only", "-Xclang", "-fdeclare-opencl-builtins",
	"-Xclang", "-finclude-default-header", "-Xclang",
	"-cl-ext=-__opencl_c_generic_address_space,-__opencl_c_pipes,-__opencl_c_device_enqueue,-__opencl_c_program_scope_global_variables,-__opencl_c_read_write_images",
	"-ferror-limit=0", "-Wno-everything", "-"}

// Lint holds the address spaces of a text of MSL, which Compile does not know:
// pointers that have none or a wrong one, and writes to constant memory. What
// it finds is a *gpu.CompileError.
func Lint(text string) error {
	t, err := tools()
	if err != nil {
		return err
	}
	var edits []edit
	text = floats(text)
	for _, d := range lex(text, true) {
		if ownHeader.MatchString(d.text) {
			edits = append(edits, edit{d.pos, d.end, ""})
		}
	}
	return t.lint("#line 1 \"text.metal\"\n"+apply(text, edits), nil)
}

// lint looks through a text, which may be that of units.
func (t *toolchain) lint(text string, units []*unit) error {
	t.slots <- struct{}{}
	defer func() { <-t.slots }()
	cmd := exec.Command(t.clang, append([]string{"-I", filepath.Join(t.dir, "shim")}, lintFlags...)...)
	cmd.Stdin = strings.NewReader("#include \"lint.h\"\n" + text + "\n")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return compileError(units, out.String()+err.Error())
	}
	return nil
}

// lintBatch looks through kernels that go together.
func (t *toolchain) lintBatch(batch []*unit) error {
	var b strings.Builder
	fmt.Fprintf(&b, "#line 1 \"prelude.metal\"\n%s\n", batch[0].prelude)
	for _, u := range batch {
		fmt.Fprintf(&b, "#line %d \"%s.metal\"\n%s\n", u.line, u.name, u.msl)
	}
	return t.lint(b.String(), batch)
}
