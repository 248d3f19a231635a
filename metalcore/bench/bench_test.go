package bench

import (
	"fmt"
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

// TestDevice measures on devices by their names.
func TestDevice(t *testing.T) {
	for name, want := range map[string]string{"cpu": " 1T ", "spare": "no device \"spare\": there are auto, metal, cuda, cpu"} {
		var table strings.Builder
		err := Run(t.Context(), &table, Options{Only: []string{"W5"}, Threads: []int{1}, Rounds: 1, Device: name})
		if text := table.String() + fmt.Sprint(err); !strings.Contains(text, want) {
			t.Errorf("%s: %s", name, text)
		}
	}
	if err := Run(t.Context(), nil, Options{Rounds: 1, Device: "auto", Python: "python3"}); err == nil || !strings.Contains(err.Error(), "CPU") {
		t.Errorf("peers on another device: %v", err)
	}
	o := Options{Device: "metal", Threads: []int{1, 2}}
	if list := o.spots(); len(list) != 1 || list[0].name != "metal" || list[0].peak() != 0 {
		t.Errorf("a device without threads: %+v", list)
	}
	fast := speed{rate: spreadOf([]float64{2}), flops: 1e9}
	if s := fast.arithmetic(); s != "    2.0 GFLOP/s" {
		t.Errorf("without a peak: %q", s)
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

// TestFeed reads each format, and trains on what is read meanwhile.
func TestFeed(t *testing.T) {
	var table strings.Builder
	if err := Run(t.Context(), &table, Options{Only: []string{"feed"}, Threads: []int{1}, Rounds: 1}); err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]int{"\n": 9, " rows/s": 6, "PNG": 3, "staging": 1, "overlap": 2, "NaN": 0, "Inf": 0} {
		if n := strings.Count(table.String(), word); n != want {
			t.Errorf("%q is there %d times, want %d:\n%s", word, n, want, table.String())
		}
	}
}
