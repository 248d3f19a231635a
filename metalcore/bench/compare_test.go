package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// asPeer makes the test binary the Python that it starts.
const asPeer = "METALNB_TEST_PEER"

func TestMain(m *testing.M) {
	if os.Getenv(asPeer) != "" {
		answerAsPeer(filepath.Base(os.Args[3]), os.Args[4])
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// answerAsPeer is a Python with a PyTorch that is fastest in its second way, on
// two threads and when malloc keeps memory, and without JAX.
func answerAsPeer(script, threads string) {
	if script == "jax.py" {
		fmt.Println(`{"missing": "No module named 'jax'"}`)
		return
	}
	fmt.Println(`{"name": "PyTorch 0"}`)
	in := json.NewDecoder(os.Stdin)
	for q := (question{}); in.Decode(&q) == nil; q = (question{}) {
		rate := 1.0
		for _, good := range []bool{q.Way == "second", threads == "2", os.Getenv("MALLOC_TRIM_THRESHOLD_") != ""} {
			if good {
				rate *= 2
			}
		}
		switch {
		case q.Work == "infer256":
			fmt.Println(`{}`)
		case q.Way == "":
			fmt.Println(`{"ways": ["first", "second", "third"]}`)
		case q.Seconds > 0:
			fmt.Printf(`{"rate": %v}`, rate)
		}
	}
}

func compareWithPeer(t *testing.T, python string, only ...string) (string, error) {
	t.Helper()
	t.Setenv(asPeer, "yes")
	var table strings.Builder
	err := Run(t.Context(), &table, Options{Python: python, Only: only, Threads: []int{1, 2}, Rounds: 1})
	return table.String(), err
}

func TestCompare(t *testing.T) {
	table, err := compareWithPeer(t, os.Args[0], "W5", "gemm")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"No module named 'jax'; not compared\n", "W5 ", "PyTorch 0         8 (2T, malloc keeps, second)", "goal 150"} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is not in the table:\n%s", want, table)
		}
	}
	for python, want := range map[string]string{os.Args[0]: "no way", "true": "ended without an answer", "/no/such/python": "/no/such/python"} {
		if _, err := compareWithPeer(t, python, "infer"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", python, err, want)
		}
	}
	if _, err := compareWithPeer(t, os.Args[0], "gemm"); err == nil || !strings.Contains(err.Error(), "W1 to W6") {
		t.Error(err)
	}
}

// TestScripts: what peers run has our names and sizes.
func TestScripts(t *testing.T) {
	plain := strings.NewReplacer(" ", "", ",)", ")")
	for _, name := range []string{"torch.py", "jax.py"} {
		text, err := scripts.ReadFile("peers/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, work := range workloads {
			if work.goal == 0 {
				continue
			}
			lines := slices.Collect(strings.Lines(plain.Replace(string(text))))
			at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, `"`+work.name+`":`) })
			want := fmt.Sprintf("(%s),%d,%d,%d,", strings.Trim(work.input.String(), "[]"), work.classes, work.rows, work.batch)
			if at < 0 || !strings.Contains(lines[at]+lines[at+1], want) {
				t.Errorf("%s: no line for %s with %s", name, work.name, want)
			}
		}
	}
}
