package kernelext

import (
	"bytes"
	"encoding/json"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/kernelext/jupyter"
)

// copySelf puts the test binary where an installed program could be.
func copySelf(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	path := filepath.Join(t.TempDir(), "metalnb")
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInstallAndUninstall(t *testing.T) {
	data := t.TempDir()
	t.Setenv("JUPYTER_DATA_DIR", data)
	binary := filepath.Join(t.TempDir(), "metalnb")
	if err := os.WriteFile(binary, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second replaces the first
		dir, err := Install(InstallOptions{Binary: binary, Env: map[string]string{"A": "b"}})
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(data, "kernels", DefaultName); dir != want {
			t.Errorf("folder %s, want %s", dir, want)
		}
		b, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
		if err != nil {
			t.Fatal(err)
		}
		var got jupyter.Spec
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		want := jupyter.Spec{
			Argv: []string{binary, "kernel", "{connection_file}"}, DisplayName: DefaultDisplay, Language: "go",
			InterruptMode: "message", Env: map[string]string{"A": "b"},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("kernel.json\n%+v, want\n%+v", got, want)
		}
		logo, err := os.ReadFile(filepath.Join(dir, "logo-64x64.png"))
		if err != nil {
			t.Fatal(err)
		}
		if img, err := png.Decode(bytes.NewReader(logo)); err != nil || img.Bounds().Dx() != 64 {
			t.Errorf("logo: %v", err)
		}
		if entries, _ := os.ReadDir(filepath.Dir(dir)); len(entries) != 1 {
			t.Errorf("left behind: %v", entries)
		}
	}
	if _, err := Uninstall(InstallOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Uninstall(InstallOptions{}); err == nil || !strings.Contains(err.Error(), "no kernel is installed") {
		t.Errorf("twice: %v", err)
	}
	prefix := t.TempDir()
	dir, err := Install(InstallOptions{Binary: binary, Prefix: prefix, Name: "mine"})
	if want := filepath.Join(prefix, "share", "jupyter", "kernels", "mine"); err != nil || dir != want {
		t.Errorf("prefix: %s, %v", dir, err)
	}
}

func TestInstallRefuses(t *testing.T) {
	t.Setenv("JUPYTER_DATA_DIR", t.TempDir())
	temporary := filepath.Join(t.TempDir(), "go-build123", "exe")
	if err := os.MkdirAll(temporary, 0o755); err != nil {
		t.Fatal(err)
	}
	ran := filepath.Join(temporary, "metalnb")
	file := filepath.Join(t.TempDir(), "file")
	for _, path := range []string{ran, file} {
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		o    InstallOptions
		want string
	}{
		"name":       {InstallOptions{Name: "a b"}, "letters, digits"},
		"no program": {InstallOptions{Binary: "/does/not/exist"}, "go build"},
		"go run":     {InstallOptions{Binary: ran}, "removed as soon as go run ends"},
		"prefix":     {InstallOptions{Binary: file, Prefix: file}, "another prefix"},
	} {
		if _, err := Install(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want a word about %q", name, err, c.want)
		}
	}
}
