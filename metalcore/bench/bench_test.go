package bench

import (
	"strings"
	"testing"
)

// TestRun sees each workload and each product in the table, once for each
// number of threads.
func TestRun(t *testing.T) {
	var table strings.Builder
	only := []string{"gemm", "W1", "W4", "W5"}
	if err := Run(t.Context(), &table, Options{Only: only, Threads: []int{1, 2}, Rounds: 1}); err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]int{"\n": 24, "sgemm": 18, " TN ": 6, "W1": 2, "W4": 2, "W5": 2, "W2": 0, "GFLOP/s": 24, "NaN": 0, "Inf": 0} {
		if n := strings.Count(table.String(), word); n != want {
			t.Errorf("%q is there %d times, want %d:\n%s", word, n, want, table.String())
		}
	}
}

func TestSpread(t *testing.T) {
	if s := spreadOf([]int{9, 1, 5, 3, 7}); s != (spread[int]{3, 5, 7}) {
		t.Error(s)
	}
	if s := spreadOf([]int{4}); s != (spread[int]{4, 4, 4}) {
		t.Error(s)
	}
}
