package jupyter

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Spec is an installed kernel: the content of its kernel.json.
type Spec struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Env           map[string]string `json:"env,omitempty"`
	InterruptMode string            `json:"interrupt_mode,omitempty"` // "message" or "signal"
	Language      string            `json:"language"`
	Metadata      map[string]any    `json:"metadata,omitempty"`
}

// DataDir returns the directory where Jupyter keeps the user's own kernels and settings.
func DataDir() (string, error) {
	if dir := os.Getenv("JUPYTER_DATA_DIR"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("cannot tell where Jupyter keeps kernels: %w; set JUPYTER_DATA_DIR", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}

// DataDirs returns the directories that Jupyter looks for kernels in, the first match wins.
func DataDirs() []string {
	dirs := filepath.SplitList(os.Getenv("JUPYTER_PATH"))
	if user, err := DataDir(); err == nil {
		dirs = append(dirs, user)
	}
	for _, name := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if prefix := os.Getenv(name); prefix != "" {
			dirs = append(dirs, filepath.Join(prefix, "share", "jupyter"))
		}
	}
	if bin, err := exec.LookPath("jupyter"); err == nil {
		dirs = append(dirs, filepath.Join(filepath.Dir(filepath.Dir(bin)), "share", "jupyter"))
	}
	return append(dirs, "/usr/local/share/jupyter", "/usr/share/jupyter")
}

// FindSpec returns the installed kernel of a name. The error names the kernels that there are.
func FindSpec(name string) (*Spec, error) {
	var known []string
	for _, dir := range DataDirs() {
		entries, _ := os.ReadDir(filepath.Join(dir, "kernels"))
		for _, e := range entries {
			// Jupyter compares names without case.
			if !strings.EqualFold(e.Name(), name) {
				known = append(known, e.Name())
				continue
			}
			if s, err := readSpec(filepath.Join(dir, "kernels", e.Name())); s != nil || err != nil {
				return s, err
			}
		}
	}
	slices.Sort(known)
	have := strings.Join(slices.Compact(known), ", ")
	if have == "" {
		have = "none"
	}
	return nil, fmt.Errorf("no kernel %q is installed (there are: %s); jupyter kernelspec list shows where Jupyter looks, "+
		"an empty name takes the kernel that metalnb builds itself", name, have)
}

// readSpec returns nil, nil for a directory that holds no kernel.json.
func readSpec(dir string) (*Spec, error) {
	path := filepath.Join(dir, "kernel.json")
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the kernel: %w", err)
	}
	var s Spec
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("%s: %w; install that kernel again", path, err)
	}
	if len(s.Argv) == 0 {
		return nil, fmt.Errorf("%s names no program in argv; install that kernel again", path)
	}
	for i, a := range s.Argv {
		s.Argv[i] = strings.ReplaceAll(a, "{resource_dir}", dir)
	}
	return &s, nil
}
