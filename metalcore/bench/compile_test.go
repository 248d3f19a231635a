package bench

import (
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
)

// The model is ResNet-18: it has the parameters that torchvision's has.
func TestResNet18(t *testing.T) {
	params := 0
	for _, p := range resnet18().Params() {
		params += p.Shape.Elems()
	}
	if params != 11_689_512 {
		t.Errorf("%d parameters", params)
	}
	var out strings.Builder
	if err := Run(t.Context(), &out, Options{Only: []string{"compile"}, Rounds: 1}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "ResNet-18") {
		t.Error(out.String())
	}
}

func BenchmarkCompileResNet18(b *testing.B) {
	dev := cpu.New(1)
	defer dev.Close()
	for b.Loop() {
		if _, err := compileResNet(dev); err != nil {
			b.Fatal(err)
		}
	}
}
