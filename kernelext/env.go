package kernelext

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// ModulePath is the module that cells import.
const ModulePath = "github.com/metalnb/metalnb"

// ModuleRoot returns the folder of this module's source tree: METALNB_SRC if that is one, else the nearest one from the
// working directory upwards, else the one that this program was built from, "" if that is gone, too. Cells then use the
// source tree, without it the released module.
func ModuleRoot() string {
	if dir := os.Getenv("METALNB_SRC"); dir != "" && isRoot(dir) {
		return dir
	}
	dir, err := os.Getwd()
	for err == nil {
		if isRoot(dir) {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	if dir := builtFrom(); filepath.IsAbs(dir) && isRoot(dir) {
		return dir
	}
	return ""
}

// builtFrom returns the folder that held this module when it was compiled; with -trimpath it is no folder. A variable, so
// that tests can be elsewhere.
var builtFrom = func() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(file))
}

func isRoot(dir string) bool {
	f, err := os.Open(filepath.Join(dir, "go.mod"))
	if err != nil {
		return false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "module "); ok {
			return strings.Trim(strings.TrimSpace(name), `"`) == ModulePath
		}
	}
	return false
}

// environ returns what gonb's environment has beside this process's: its tools on the PATH, links without debug
// information, which halves the time of a cell, and extra, whose own PATH and GOFLAGS are respected.
func (t Toolset) environ(extra []string) []string {
	path := strings.Join([]string{filepath.Dir(t.Gonb), lookup(extra, "PATH", os.Getenv("PATH")), filepath.Dir(t.Go)},
		string(os.PathListSeparator))
	flags := cleanFlags(lookup(extra, "GOFLAGS", t.flags))
	if !strings.Contains(flags, "-ldflags") {
		flags = strings.TrimSpace(flags + " '-ldflags=-s -w'")
	}
	// gonb writes its own go.work, which a GOWORK from outside would hide.
	return append(append([]string{}, extra...), "PATH="+path, "GOFLAGS="+flags, "GOWORK=")
}

// lookup returns the last value of a name in env, or other.
func lookup(env []string, name, other string) string {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			other = v
		}
	}
	return other
}

// cleanFlags returns GOFLAGS without the flags that bind go to one module's files: gonb's modules are others.
func cleanFlags(flags string) string {
	var keep []string
	for _, f := range fields(flags) {
		name := strings.TrimLeft(strings.Trim(f, `'"`), "-")
		name, _, _ = strings.Cut(name, "=")
		switch name {
		case "mod", "modfile", "overlay", "o", "C":
		default:
			keep = append(keep, f)
		}
	}
	return strings.Join(keep, " ")
}

// fields splits at spaces, except within a field that is quoted as a whole, the way the go command does.
func fields(s string) []string {
	var out []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		end := strings.IndexAny(s, " \t\n\r")
		if s[0] == '\'' || s[0] == '"' {
			if close := strings.IndexByte(s[1:], s[0]); close >= 0 {
				end = close + 2
			}
		}
		if end < 0 {
			end = len(s)
		}
		out = append(out, s[:end])
		s = s[end:]
	}
	return out
}
