package main

import (
	"os"
	"testing"

	"github.com/metalnb/metalnb/metalcore/bench"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// TestIdleCore: when training is stopped, its workers do not spin. `metalnb
// bench --only idle` prints the figure, which is far below this bound.
func TestIdleCore(t *testing.T) {
	share, err := bench.Idle(os.Getenv(wire.EnvBinary))
	if err != nil {
		t.Fatal(err)
	}
	if share > 0.05 {
		t.Errorf("an idle core takes %.0f %% of a processor", 100*share)
	}
}
