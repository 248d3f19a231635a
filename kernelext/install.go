package kernelext

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/metalnb/metalnb/kernelext/jupyter"
)

// The name that Jupyter knows the kernel by, and the one that people see.
const (
	DefaultName    = "metalnb"
	DefaultDisplay = "Go (metalnb)"
)

// InstallOptions says where and how the kernel is registered. The zero value is right for most people.
type InstallOptions struct {
	Prefix  string            // install into PREFIX/share/jupyter, such as a virtual environment; "" for the user's own folder
	Name    string            // "" for DefaultName
	Display string            // "" for DefaultDisplay
	Binary  string            // the metalnb binary; "" for this program
	Env     map[string]string // environment of the kernel
}

// Jupyter accepts no other names.
var kernelName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// Install registers the kernel with Jupyter and returns its folder. An older registration of the name is replaced.
func Install(o InstallOptions) (dir string, err error) {
	spec, dir, err := o.spec()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("cannot install the kernel: %w; choose another prefix", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".metalnb-")
	if err != nil {
		return "", fmt.Errorf("cannot install the kernel: %w; choose another prefix", err)
	}
	defer os.RemoveAll(tmp)
	content, err := json.MarshalIndent(spec, "", " ")
	if err != nil {
		return "", err
	}
	files := map[string][]byte{"kernel.json": append(content, '\n'), "logo-svg.svg": []byte(logoSVG)}
	for _, size := range []int{32, 64} {
		files[fmt.Sprintf("logo-%dx%d.png", size, size)] = logoPNG(size)
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(tmp, name), b, 0o644); err != nil {
			return "", fmt.Errorf("cannot install the kernel: %w", err)
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	return dir, replaceDir(tmp, dir)
}

// replaceDir puts a finished folder in another's place. A folder cannot be renamed over one that has files, so the old one
// is moved away first, and back if something fails.
func replaceDir(from, to string) error {
	old := from + ".old"
	moved := os.Rename(to, old)
	if moved != nil && !errors.Is(moved, os.ErrNotExist) {
		return fmt.Errorf("cannot replace the installed kernel: %w", moved)
	}
	if err := os.Rename(from, to); err != nil {
		if moved == nil {
			err = errors.Join(err, os.Rename(old, to))
		}
		return fmt.Errorf("cannot install the kernel: %w", err)
	}
	return os.RemoveAll(old)
}

// Uninstall removes what Install with the same prefix and name has registered, and returns the folder.
func Uninstall(o InstallOptions) (dir string, err error) {
	if dir, err = o.dir(); err != nil {
		return "", err
	}
	if !isFile(filepath.Join(dir, "kernel.json")) {
		return "", fmt.Errorf("no kernel is installed in %s; jupyter kernelspec list shows those there are", dir)
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("cannot remove the kernel: %w", err)
	}
	return dir, nil
}

func (o InstallOptions) dir() (string, error) {
	name := orDefault(o.Name, DefaultName)
	if !kernelName.MatchString(name) {
		return "", fmt.Errorf("kernel name %q: Jupyter accepts letters, digits and . _ - only", name)
	}
	if o.Prefix != "" {
		prefix, err := filepath.Abs(o.Prefix)
		return filepath.Join(prefix, "share", "jupyter", "kernels", name), err
	}
	data, err := jupyter.DataDir()
	return filepath.Join(data, "kernels", name), err
}

func (o InstallOptions) spec() (*jupyter.Spec, string, error) {
	dir, err := o.dir()
	if err != nil {
		return nil, "", err
	}
	binary := o.Binary
	if binary == "" {
		if binary, err = os.Executable(); err != nil {
			return nil, "", fmt.Errorf("cannot tell where this program is: %w; name the metalnb binary", err)
		}
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return nil, "", err
	}
	if !isFile(binary) {
		return nil, "", fmt.Errorf("there is no program %s; build it with `go build -o metalnb .` first", binary)
	}
	if strings.Contains(filepath.ToSlash(binary), "/go-build") {
		return nil, "", fmt.Errorf("%s is removed as soon as go run ends; install from a binary that stays: "+
			"go build -o metalnb . && ./metalnb install", binary)
	}
	return &jupyter.Spec{
		Argv: []string{binary, "kernel", "{connection_file}"}, DisplayName: orDefault(o.Display, DefaultDisplay),
		Language: "go", InterruptMode: "message", Env: o.Env,
	}, dir, nil
}

func orDefault(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
