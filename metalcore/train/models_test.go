package train

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/optim"
)

// device is a CPU that must be empty when the test ends.
func device(t *testing.T) backend.Device {
	t.Helper()
	dev := cpu.New(1)
	t.Cleanup(func() {
		if n := live(dev); n != 0 {
			t.Errorf("%d bytes are left on the device", n)
		}
		dev.Close()
	})
	return dev
}

func live(dev backend.Device) int64 { return dev.(interface{ LiveBytes() int64 }).LiveBytes() }

// trainer makes a trainer that is closed when the test ends.
func trainer(t *testing.T, dev backend.Device, spec Spec) *Trainer {
	t.Helper()
	tr, err := New(dev, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

func fit(t *testing.T, tr *Trainer, epochs int) {
	t.Helper()
	if err := tr.Train(context.Background(), epochs); err != nil {
		t.Fatal(err)
	}
}

// layers counts the layers of a model under construction, to name them.
type layers struct{ count map[string]int }

func (l *layers) stamp(kind string, v *ir.Value, params ...*ir.Value) *ir.Value {
	if l.count == nil {
		l.count = map[string]int{}
	}
	l.count[kind]++
	name := fmt.Sprintf("%s_%d", kind, l.count[kind])
	for _, p := range params {
		p.Name = name + "." + p.Name
	}
	ir.Stamp(v, name, ir.Pos{File: "cell", Line: 1})
	return v
}

func param(name, init string, shape ...int) *ir.Value {
	attrs := ir.Attrs{ir.AttrInit: init, ir.AttrTrain: true}
	if name == "kernel" {
		attrs[ir.AttrDecay] = true
	}
	return ir.State(name, ir.F32, shape, attrs)
}

func (l *layers) dense(h *ir.Value, n int) *ir.Value {
	k, b := param("kernel", "he_normal", h.Shape[1], n), param("bias", "zeros", n)
	return l.stamp("dense", op.Add(op.MatMul(h, k, false, false), b), k, b)
}

func (l *layers) conv(h *ir.Value, n, size int) *ir.Value {
	k, b := param("kernel", "he_normal", size, size, h.Shape[3], n), param("bias", "zeros", n)
	spec := op.ConvSpec{Stride: []int{1, 1}, Pad: []int{0, 0, 0, 0}, Dilation: []int{1, 1}}
	return l.stamp("conv2d", op.Add(op.Conv2D(h, k, spec), b), k, b)
}

func (l *layers) relu(h *ir.Value) *ir.Value { return l.stamp("relu", op.ReLU(h)) }

func (l *layers) pool(h *ir.Value, n int) *ir.Value {
	return l.stamp("maxpool2d", op.MaxPool2D(h, op.PoolSpec{Window: []int{n, n}, Stride: []int{n, n}, Pad: []int{0, 0, 0, 0}}))
}

func (l *layers) flatten(h *ir.Value) *ir.Value {
	return l.stamp("flatten", op.Reshape(h, ir.Shape{ir.Batch, h.Shape[1:].Elems()}))
}

func input(shape ...int) *ir.Value {
	return ir.Input(InputName, ir.F32, append([]int{ir.Batch}, shape...)...)
}

func model(y *ir.Value) *ir.Graph {
	return ir.NewGraph("model", []ir.Output{{Name: OutputName, Value: y}}, nil)
}

// digitsCNN is the model of the first notebook.
func digitsCNN(filters int) *ir.Graph {
	l := &layers{}
	h := l.pool(l.relu(l.conv(input(8, 8, 1), filters, 3)), 2)
	return model(l.dense(l.flatten(h), 10))
}

// mlp has one hidden layer, or none of size 0.
func mlp(in, hidden, out int) *ir.Graph {
	l := &layers{}
	h := input(in)
	if hidden > 0 {
		h = l.relu(l.dense(h, hidden))
	}
	return model(l.dense(h, out))
}

func optimizer(t *testing.T, name string, lr float64, more ...float64) optim.Optimizer {
	t.Helper()
	settings := map[string]float64{"lr": lr}
	if len(more) == 1 {
		settings["momentum"] = more[0]
	}
	o, err := optim.New(name, settings)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func split(t *testing.T, name string) (train, test *feed.Set) {
	t.Helper()
	s, err := feed.Builtin(name)
	if err != nil {
		t.Fatal(err)
	}
	train, test, err = s.Split(0.2, 1)
	if err != nil {
		t.Fatal(err)
	}
	return train, test
}

// irisSpec trains a small MLP on 120 flowers: seven full steps of 16 and one
// of 8 in an epoch.
func irisSpec(t *testing.T) Spec {
	t.Helper()
	data, valid := split(t, "iris")
	return Spec{Name: "iris", Model: mlp(4, 16, 3), Loss: "cross_entropy", Optimizer: optimizer(t, "adam", 0.01),
		Batch: 16, Seed: 3, Data: data, Valid: valid}
}

// weights returns all numbers of the trainer's model and optimizer as they lie
// on the device.
func weights(t *testing.T, tr *Trainer) string {
	t.Helper()
	var all []byte
	list, err := tr.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		all = append(all, p.Value.Data...)
	}
	var slots []string
	for name := range tr.machine.mem.bufs {
		if strings.HasPrefix(name, tr.Spec().Optimizer.Name()+"/") {
			slots = append(slots, name)
		}
	}
	slices.Sort(slots)
	for _, name := range slots {
		buf := tr.machine.mem.bufs[name]
		part := make([]byte, buf.Len())
		if err := buf.Download(0, part); err != nil {
			t.Fatal(err)
		}
		all = append(all, part...)
	}
	return string(all)
}

func value(t *testing.T, list []Metric, name string) float64 {
	t.Helper()
	for _, m := range list {
		if m.Name == name {
			return m.Value
		}
	}
	t.Fatalf("no metric %q in %v", name, list)
	return 0
}
