package nb_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every cell that imports nb, display and datasets is linked with them.
const maxGrowth = 4 << 20

func built(t *testing.T, dir string) int64 {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	if msg, err := exec.Command("go", "build", "-o", out, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	info, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestCellsStaySmall(t *testing.T) {
	empty, cell := built(t, "./testdata/empty"), built(t, "./testdata/cell")
	t.Logf("an empty program has %d bytes, a cell %d", empty, cell)
	if cell-empty > maxGrowth {
		t.Errorf("a cell is %d bytes larger than an empty program, and %d are allowed", cell-empty, maxGrowth)
	}
}

func TestCellsNeedTheStandardLibraryOnly(t *testing.T) {
	deps, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./testdata/cell").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(deps)) {
		if !strings.HasPrefix(dep, "github.com/metalnb/metalnb/") {
			t.Errorf("a cell depends on %s", dep)
		}
	}
	if !strings.Contains(string(deps), "metalcore/wire") {
		t.Errorf("the list of dependencies is not one: %s", deps)
	}
}
