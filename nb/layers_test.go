package nb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/autodiff"
	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

type refArray struct {
	Shape []int
	Data  []float64
}

// refLayer is a case of testdata/layers.py.
type refLayer struct {
	Name                         string
	X, GradX, Y, Weights         refArray
	Params, Grads, States, After map[string]refArray
	Eval                         bool
}

// refLayers build what the cases of the same name compute.
var refLayers = map[string]func(x *Tensor) *Tensor{
	"dense":              func(x *Tensor) *Tensor { return x.Dense(5) },
	"dense of sequences": func(x *Tensor) *Tensor { return x.DenseWith(Linear{Units: 2, NoBias: true}) },
	"conv2d":             func(x *Tensor) *Tensor { return x.Conv2D(3, 3) },
	"conv2d pad": func(x *Tensor) *Tensor {
		return x.Conv2DWith(Conv{Filters: 3, Kernel: [2]int{2, 3}, Stride: [2]int{2, 1}, Dilation: [2]int{1, 2}, Pad: [4]int{1, 1, 2, 2}})
	},
	"conv2d groups": func(x *Tensor) *Tensor { return x.Conv2DWith(Conv{Filters: 6, Kernel: [2]int{2, 2}, Groups: 2}) },
	"depthwise":     func(x *Tensor) *Tensor { return x.DepthwiseConv2D(3) },
	"conv1d":        func(x *Tensor) *Tensor { return x.Conv1DWith(Conv1{Filters: 4, Kernel: 3, Pad: [2]int{2, 0}}) },
	"conv transpose": func(x *Tensor) *Tensor {
		return x.ConvTranspose2D(4, 3, 2)
	},
	"conv transpose pad": func(x *Tensor) *Tensor {
		return x.ConvTranspose2DWith(Conv{Filters: 3, Kernel: [2]int{3, 2}, Stride: [2]int{2, 1}, Dilation: [2]int{1, 2}, Pad: [4]int{1, 1, 1, 1}})
	},
	"conv transpose groups": func(x *Tensor) *Tensor {
		return x.ConvTranspose2DWith(Conv{Filters: 6, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, Groups: 2, NoBias: true})
	},
	"maxpool":              func(x *Tensor) *Tensor { return x.MaxPool2DWith(refPool(false)) },
	"avgpool":              func(x *Tensor) *Tensor { return x.AvgPool2DWith(refPool(false)) },
	"avgpool count pad":    func(x *Tensor) *Tensor { return x.AvgPool2DWith(refPool(true)) },
	"global avgpool":       (*Tensor).GlobalAvgPool2D,
	"global maxpool":       (*Tensor).GlobalMaxPool2D,
	"upsample":             func(x *Tensor) *Tensor { return x.UpSample2D(2) },
	"batch norm":           (*Tensor).BatchNorm,
	"batch norm of images": (*Tensor).BatchNorm,
	"batch norm eval":      (*Tensor).BatchNorm,
	"batch norm momentum":  func(x *Tensor) *Tensor { return x.BatchNormWith(Norm{Momentum: 0.3, Eps: 1e-3}) },
	"layer norm":           (*Tensor).LayerNorm,
	"group norm":           func(x *Tensor) *Tensor { return x.GroupNorm(3) },
	"group norm of rows":   func(x *Tensor) *Tensor { return x.GroupNorm(2) },
	"rms norm":             (*Tensor).RMSNorm,
	"relu":                 (*Tensor).ReLU, "sigmoid": (*Tensor).Sigmoid, "tanh": (*Tensor).Tanh,
	"softmax": (*Tensor).Softmax, "log softmax": (*Tensor).LogSoftmax,
	"leaky relu": func(x *Tensor) *Tensor { return x.LeakyReLU(0.1) },
	"elu":        func(x *Tensor) *Tensor { return x.ELU(1.5) },
	"celu":       func(x *Tensor) *Tensor { return x.CELU(0.7) },
	"prelu":      (*Tensor).PReLU, "selu": (*Tensor).SELU, "gelu": (*Tensor).GELU, "gelu tanh": (*Tensor).GELUTanh,
	"hard sigmoid": (*Tensor).HardSigmoid, "silu": (*Tensor).SiLU, "hard swish": (*Tensor).HardSwish,
	"mish": (*Tensor).Mish, "softplus": (*Tensor).Softplus,
	"embedding":        func(x *Tensor) *Tensor { return x.Embedding(5, 3) },
	"attention":        func(x *Tensor) *Tensor { return x.MultiHeadAttention(2, Attention{}) },
	"attention causal": func(x *Tensor) *Tensor { return x.MultiHeadAttention(3, Attention{Causal: true}) },
	"attention mask": func(x *Tensor) *Tensor { // no step looks at the last one
		zero := x.Slice(2, 0, 1).Reshape(3).Mul(0).Int()
		return x.MultiHeadAttention(1, Attention{Mask: zero.Add(Arange(3).Lt(2).Int())})
	},
	"positions": (*Tensor).PositionalEncoding, "learned positions": (*Tensor).LearnedPositions,
	"lstm":           func(x *Tensor) *Tensor { return x.LSTM(5) },
	"lstm sequences": func(x *Tensor) *Tensor { return x.LSTMWith(Recurrent{Units: 3, Sequences: true, Reverse: true}) },
	"gru":            func(x *Tensor) *Tensor { return x.GRU(4) },
	"gru sequences":  func(x *Tensor) *Tensor { return x.GRUWith(Recurrent{Units: 4, Sequences: true}) },
	"shapes": func(x *Tensor) *Tensor {
		s := x.Split(3, -1)[0].Permute(0, 2, 1)
		one := x.Slice(2, 0, 1).Mul(0).Add(1)
		return Concat(2, x.Permute(0, 2, 1).Slice(1, 1, -1).Pad(-1, 1, 2, 0.5), one, Concat(1, s, s))
	},
}

func refPool(countPad bool) Pool {
	return Pool{Window: [2]int{3, 2}, Stride: [2]int{2, 1}, Pad: [4]int{1, 1, 1, 1}, CountPad: countPad}
}

// TestLayersAgreeWithPyTorch: results, gradients and running statistics.
func TestLayersAgreeWithPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/layers.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []refLayer
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != len(refLayers) {
		t.Errorf("%d cases for %d layers", len(cases), len(refLayers))
	}
	dev := cpu.New(1)
	defer dev.Close()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) { c.check(t, dev) })
	}
}

func (c refLayer) check(t *testing.T, dev backend.Device) {
	build := refLayers[c.Name]
	if build == nil {
		t.Fatal("no layer of this name")
	}
	g, err := ir.Parse(modelText("layer", build(Input(c.X.Shape[1:]...))))
	if err != nil {
		t.Fatal(err)
	}
	g = op.Resolve(g, !c.Eval).Bind(c.X.Shape[0])
	given := map[string][]float64{"x": c.X.Data, "weights": c.Weights.Data}
	wrt := g.Leaves(ir.OpInput)
	wrt = append(wrt, g.Params()...)
	for _, v := range g.Leaves(ir.OpState) {
		ref, ok := c.Params[part(v)]
		if !ok {
			ref, ok = c.States[part(v)]
		}
		if !ok || !slices.Equal(ref.Shape, v.Shape) {
			t.Fatalf("%s is %s, PyTorch's has %v", v.Name, v.Type(), ref.Shape)
		}
		given[v.Name] = ref.Data
	}
	y := g.Output("y")
	loss := op.Sum(op.Mul(y, ir.Input("weights", ir.F32, y.Shape...)), false)
	grads, err := autodiff.Gradients(loss, wrt)
	if err != nil {
		t.Fatal(err)
	}
	outputs := []ir.Output{{Name: "result", Value: y}}
	want := map[string]refArray{"result": c.Y}
	for i, v := range wrt {
		name, ref := "gradient of "+part(v), c.Grads[part(v)]
		if v.Op == ir.OpInput {
			ref = c.GradX
		}
		outputs, want[name] = append(outputs, ir.Output{Name: name, Value: grads[i]}), ref
	}
	for _, u := range g.Updates {
		if !c.Eval {
			name := "new " + part(u.State)
			outputs, want[name] = append(outputs, ir.Output{Name: name, Value: u.New}), c.After[part(u.State)]
		}
	}
	if n := len(g.Params()); n != len(c.Params) || !c.Eval && len(g.Updates) != len(c.After) {
		t.Errorf("%d parameters and %d updates, PyTorch has %d and %d", n, len(g.Updates), len(c.Params), len(c.After))
	}
	for name, got := range run(t, dev, ir.NewGraph("layer", outputs, nil), given) {
		if name == "gradient of x" && len(want[name].Data) == 0 {
			continue // whole numbers have none
		}
		if err := near(got, want[name].Data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// part is the name of a state without its layer's.
func part(v *ir.Value) string { return v.Name[strings.LastIndexByte(v.Name, '/')+1:] }

func near(got, want []float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d numbers, PyTorch has %d", len(got), len(want))
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= 1e-4*math.Abs(w)+2e-5) {
			return fmt.Errorf("element %d is %v, PyTorch has %v", i, got[i], w)
		}
	}
	return nil
}

// run compiles a graph and runs it once.
func run(t *testing.T, dev backend.Device, g *ir.Graph, given map[string][]float64) map[string][]float64 {
	t.Helper()
	p, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	exe, err := dev.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Free()
	var bufs []backend.Buffer
	buffer := func(v *ir.Value) backend.Buffer {
		b, err := dev.Alloc(v.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		bufs = append(bufs, b)
		var raw []byte
		for _, x := range given[v.Name] {
			word := math.Float32bits(float32(x))
			if v.DType == ir.I32 {
				word = uint32(int32(x))
			}
			raw = binary.LittleEndian.AppendUint32(raw, word)
		}
		if err := b.Upload(0, raw); err != nil {
			t.Fatal(err)
		}
		return b
	}
	var bind backend.Bindings
	for _, v := range p.Inputs {
		bind.Inputs = append(bind.Inputs, buffer(v))
	}
	for _, v := range p.States {
		bind.States = append(bind.States, buffer(v))
	}
	for _, o := range p.Outputs {
		bind.Outputs = append(bind.Outputs, buffer(o.Value))
	}
	if err := exe.Submit(bind, 1).Wait(); err != nil {
		t.Fatal(err)
	}
	out := map[string][]float64{}
	for i, o := range p.Outputs {
		raw := make([]byte, o.Value.Bytes())
		if err := bind.Outputs[i].Download(0, raw); err != nil {
			t.Fatal(err)
		}
		for j := 0; j < len(raw); j += 4 {
			out[o.Name] = append(out[o.Name], float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[j:]))))
		}
	}
	for _, b := range bufs {
		b.Free()
	}
	return out
}
