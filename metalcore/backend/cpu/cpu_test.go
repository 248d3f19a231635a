package cpu_test

import (
	"fmt"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/conformance"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

func TestConformance(t *testing.T) {
	for i, variant := range asm.Supported() {
		threads := 1 + i%2*2 // one, or three
		t.Run(fmt.Sprint(variant, ", ", threads, " threads"), func(t *testing.T) {
			t.Setenv(cpu.EnvVariant, variant.String())
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
