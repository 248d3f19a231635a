package explain_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/explain"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// doubling is a state that doubles in each step, and its sum with an input.
func doubling() *ir.Graph {
	w, x := ir.State("w", ir.F32, ir.Shape{4}, ir.Attrs{ir.AttrTrain: true}), ir.Input("x", ir.F32, 4)
	return ir.NewGraph("doubling", []ir.Output{{Name: "y", Value: op.Add(w, x)}}, []ir.Update{{State: w, New: op.Add(w, w)}})
}

// untimed hides that a device can measure.
type untimed struct{ backend.Device }

func (d untimed) Compile(p *plan.Program) (backend.Executable, error) {
	exe, err := d.Device.Compile(p)
	return struct{ backend.Executable }{exe}, err
}

func TestExplain(t *testing.T) {
	dev := cpu.New(1)
	defer dev.Close()
	x, err := dev.Alloc(16)
	if err != nil {
		t.Fatal(err)
	}
	one := feed.FromF32([]float32{1, 1, 1, 1}, 4).Data
	req := explain.Request{Graph: doubling(), Inputs: map[string]backend.Buffer{"x": x}, States: map[string][]byte{"w": one}}
	before := dev.LiveBytes()
	e, err := explain.Explain(dev, req)
	if err != nil || !e.Timed || e.Params != 4 || e.Total().Time <= 0 || !strings.Contains(e.String(), "add") {
		t.Errorf("got %v: %v", e, err)
	}
	if e, err = explain.Explain(untimed{dev}, req); err != nil || e.Timed || strings.Contains(e.String(), " us ") {
		t.Errorf("a device that measures nothing: %v, %v", e, err)
	}
	full := errors.New("full")
	req.Check = func(bytes int64) error {
		if bytes < 3*16 {
			t.Errorf("three buffers of 16 bytes are %d", bytes)
		}
		return full
	}
	if _, err := explain.Explain(dev, req); !errors.Is(err, full) {
		t.Errorf("without memory: %v", err)
	}
	req.Options = compile.Options{Skip: []string{"nothing"}}
	if _, err := explain.Explain(dev, req); err == nil || !strings.Contains(err.Error(), "no pass") {
		t.Errorf("a pass that is not there: %v", err)
	}
	if n := dev.LiveBytes() - before; n != 0 {
		t.Errorf("%d bytes are left", n)
	}
	x.Free()
}
