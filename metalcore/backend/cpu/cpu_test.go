package cpu_test

import (
	"fmt"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/conformance"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
)

func TestConformance(t *testing.T) {
	for _, threads := range []int{1, 3} {
		t.Run(fmt.Sprint(threads, " threads"), func(t *testing.T) {
			dev := cpu.New(threads)
			conformance.Run(t, dev)
			if live := dev.LiveBytes(); live != 0 {
				t.Errorf("%d bytes are still allocated", live)
			}
			if err := dev.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
