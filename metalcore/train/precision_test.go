package train

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// TestScaler runs the loss scale over steps of which some are not finite, and
// holds it against PyTorch's GradScaler, written down plainly.
func TestScaler(t *testing.T) {
	const steps = 12000
	bad := make([]float32, steps)
	for i := range bad {
		if i < 3 || i == 2001 || i == 5000 || i%1500 == 7 && i > 9000 {
			bad[i] = 1
		}
	}
	s := (&Spec{Precision: MixedFloat16}).scaler()
	at := scalar("at", ir.I32)
	isBad := op.Gather(ir.Input("bad", ir.F32, steps), at)
	updates := append(s.after(op.Eq(isBad, ir.Const(0, ir.F32))), ir.Update{State: at, New: op.Add(at, number(1))})
	dev := device(t)
	mem := newMemory(dev)
	defer mem.free()
	m := &machine{spec: &Spec{Precision: MixedFloat16}, mem: mem}
	if err := errors.Join(mem.need("bad", 4*steps), mem.put("bad", feed.FromF32(bad, steps).Data), m.resetScale()); err != nil {
		t.Fatal(err)
	}
	p, err := mem.compile(nil, func() (*ir.Graph, error) { return ir.NewGraph("scaler", nil, updates), nil })
	if err != nil {
		t.Fatal(err)
	}
	defer p.free()
	scale, steady, skipped := 65536.0, 0, 0
	for i, b := range bad {
		if b != 0 {
			scale, steady, skipped = scale/2, 0, skipped+1
		} else if steady++; steady == 2000 {
			scale, steady = scale*2, 0
		}
		if err := p.run(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
		gotSkipped, got, err := m.scaling()
		if err != nil || got != scale || gotSkipped != skipped {
			t.Fatalf("after step %d the scale is %v with %d steps skipped, want %v and %d (%v)", i, got, gotSkipped, scale, skipped, err)
		}
	}
	if skipped < 5 || scale == 65536 {
		t.Errorf("the test tries little: %d steps skipped, scale %v", skipped, scale)
	}
	_ = mem.put(nameScale, ir.AppendElement(nil, ir.F32, mostScale))
	_ = mem.putI32(nameSteady, growEvery-1)
	_ = mem.putI32("at", 3)
	if err := p.run(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	if _, got, _ := m.scaling(); got != mostScale {
		t.Errorf("the largest scale grows to %v", got)
	}
}

// steep is a model of one weight whose gradient, scaled by 65536, is no f16.
func steep(t *testing.T, precision string) Spec {
	t.Helper()
	l := &layers{}
	k := ir.State("kernel", ir.F32, ir.Shape{1, 1}, ir.Attrs{ir.AttrInit: "quarter", ir.AttrTrain: true})
	y := l.stamp("dense", op.MatMul(input(1), k, false, false), k)
	set, err := feed.NewSet("steep", feed.FromF32([]float32{16, 8, 4, 12}, 4, 1), feed.FromF32([]float32{20, 10, 5, 15}, 4), nil)
	if err != nil {
		t.Fatal(err)
	}
	return Spec{Name: "steep", Model: model(y), Loss: "mse", Optimizer: optimizer(t, "adam", 0.1), Batch: 4, Ordered: true, Data: set, Precision: precision}
}

// TestSkippedSteps: steps whose gradients overflow change nothing but the scale,
// and the optimizer counts none of them.
func TestSkippedSteps(t *testing.T) {
	skips := trainer(t, device(t), steep(t, MixedFloat16))
	begin := numbersOf(t, skips)
	fit(t, skips, 1)
	if now := numbersOf(t, skips); !slices.Equal(now, begin) {
		t.Errorf("a skipped step moved the weight from %v to %v", begin, now)
	}
	fit(t, skips, 29)
	info := skips.Info()
	if info.Step != 30 || info.Skipped < 2 || info.Skipped > 20 || info.State != Finished || info.LossScale != 65536/math.Pow(2, float64(info.Skipped)) {
		t.Fatalf("%+v", info)
	}
	direct := trainer(t, device(t), steep(t, MixedFloat16))
	if err := direct.machine.mem.put(nameScale, ir.AppendElement(nil, ir.F32, info.LossScale)); err != nil {
		t.Fatal(err)
	}
	fit(t, direct, 30-int(info.Skipped))
	if a, b := numbersOf(t, skips), numbersOf(t, direct); !slices.Equal(a, b) || slices.Equal(a, begin) || direct.Info().Skipped != 0 {
		t.Errorf("after skipped steps the weight is %v, without them %v", a, b)
	}
	if err := skips.Reset(); err != nil {
		t.Fatal(err)
	}
	fit(t, skips, 30)
	if again := skips.Info(); again.Skipped != info.Skipped || !slices.Equal(numbersOf(t, skips), numbersOf(t, direct)) {
		t.Errorf("after a reset %+v", again)
	}
}

// TestHalvesGoOn: training in parts is training in one, the scale included.
func TestHalvesGoOn(t *testing.T) {
	parts, whole := trainer(t, device(t), steep(t, MixedFloat16)), trainer(t, device(t), steep(t, MixedFloat16))
	for range 8 {
		fit(t, parts, 3)
	}
	fit(t, whole, 24)
	if a, b := parts.Info(), whole.Info(); a.Skipped == 0 || a.Skipped != b.Skipped || a.LossScale != b.LossScale || !slices.Equal(numbersOf(t, parts), numbersOf(t, whole)) {
		t.Errorf("in parts %d steps were skipped, scale %v, weight %v; in one %d, %v, %v",
			a.Skipped, a.LossScale, numbersOf(t, parts), b.Skipped, b.LossScale, numbersOf(t, whole))
	}
}

// TestDivergenceInHalves: what no scale can help against is a divergence.
func TestDivergenceInHalves(t *testing.T) {
	large := steep(t, MixedFloat16)
	x, err := feed.NewSet("large", feed.FromF32([]float32{1e6, 1, 1, 1}, 4, 1), large.Data.Y, nil)
	if err != nil {
		t.Fatal(err)
	}
	large.Data = x
	flat := steep(t, MixedFloat16) // the root has an infinite slope at 0
	k := ir.State("kernel", ir.F32, ir.Shape{1, 1}, ir.Attrs{ir.AttrInit: "zeros", ir.AttrTrain: true})
	k.Name = "dense.kernel"
	flat.Model = model(op.Sqrt(op.MatMul(input(1), k, false, false)))
	for name, spec := range map[string]Spec{"too large for f16": large, "infinite slope": flat} {
		for _, hunt := range []bool{false, true} {
			spec.Hunt = hunt
			tr := trainer(t, device(t), spec)
			before := numbersOf(t, tr)
			err := tr.Train(context.Background(), 60)
			var diverged *DivergedError
			if !errors.As(err, &diverged) || !strings.Contains(err.Error(), "mixed_bfloat16") {
				t.Errorf("%s, hunt %v: %v", name, hunt, err)
				continue
			}
			if !slices.Equal(numbersOf(t, tr), before) {
				t.Errorf("%s: the weights moved", name)
			}
			if steps := tr.Info().Step; name == "infinite slope" && steps < 20 {
				t.Errorf("%s, hunt %v: given up after %d steps", name, hunt, steps)
			}
		}
	}
}

func TestPrecisionErrors(t *testing.T) {
	spec := steep(t, "float16")
	if err := spec.Check(); err == nil || !strings.Contains(err.Error(), "there are float32, mixed_float16, mixed_bfloat16") {
		t.Error(err)
	}
	spec = steep(t, MixedBFloat16)
	spec.Optimizer = optimizer(t, "lbfgs", 1)
	if err := spec.Check(); err == nil || !strings.Contains(err.Error(), "leave out the precision mixed_bfloat16") {
		t.Error(err)
	}
	a, b := steep(t, ""), steep(t, Float32)
	if d := Diff(a, b); len(d) != 0 {
		t.Errorf("the default differs from its name: %v", d)
	}
	b.Precision = MixedFloat16
	if d := Diff(a, b); len(d) != 1 || d[0].Field != "precision" || d[0].Live {
		t.Errorf("%v", d)
	}
}

// TestDigitsInHalves: the digits are learnt as well as in f32.
func TestDigitsInHalves(t *testing.T) {
	data, valid := split(t, "digits")
	accuracy := map[string]float64{}
	for _, precision := range Precisions() {
		tr := trainer(t, device(t), Spec{Name: "digits", Model: digitsCNN(16), Loss: "cross_entropy", Optimizer: optimizer(t, "adam", 0.003),
			Batch: 32, Seed: 1, Data: data, Precision: precision})
		fit(t, tr, 12)
		means, _, err := tr.Evaluate(context.Background(), valid)
		if err != nil {
			t.Fatal(err)
		}
		accuracy[precision] = means[1].Value
		t.Logf("%s: loss %.4f, accuracy %.4f, %d steps skipped", precision, means[0].Value, means[1].Value, tr.Info().Skipped)
	}
	for precision, a := range accuracy {
		if a < 0.965 || math.Abs(a-accuracy[Float32]) > 0.012 {
			t.Errorf("%s: accuracy %v, in f32 %v", precision, a, accuracy[Float32])
		}
	}
}

// TestHalvesAreUsed: products and what follows them are computed in 16 bits, the
// loss and the optimizer are not.
func TestHalvesAreUsed(t *testing.T) {
	spec := Spec{Name: "d", Model: digitsCNN(4), Loss: "cross_entropy", Optimizer: optimizer(t, "adam", 0.01), Batch: 8, Precision: MixedFloat16}
	spec.Data, _ = split(t, "digits")
	g, err := build(func() (*ir.Graph, error) { return stepGraph(&spec, 8) })
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	halves := map[string]bool{}
	for _, v := range p.Graph.Values {
		if v.DType.Half() {
			halves[v.Op] = true
			if v.Layer == "" {
				t.Errorf("%s %s is of no layer", v.Op, v.Type())
			}
		}
		if lowOnly := v.Op == "matmul" || v.Op == "conv2d" || v.Op == "conv2d_grad_kernel"; lowOnly && v.DType != ir.F16 {
			t.Errorf("%s is %s", v.Op, v.Type())
		}
	}
	for _, name := range []string{"add", "relu", "maxpool2d", "maxpool2d_grad", "select", "reduce_sum", "cast"} {
		if !halves[name] {
			t.Errorf("no %s is computed in f16: %v", name, halves)
		}
	}
	for _, name := range []string{"exp", "sqrt", "softmax_cross_entropy"} {
		if halves[name] {
			t.Errorf("%s is computed in f16", name)
		}
	}
}

// TestBFloat16AgreesWithPyTorch compares 30 steps with those of autocast on
// PyTorch's CPU; the script and its numbers are in testdata.
func TestBFloat16AgreesWithPyTorch(t *testing.T) {
	var ref struct {
		X       []float32
		Labels  []int32
		Weights map[string][]float32
		Losses  map[string][]float64
	}
	text, err := os.ReadFile("testdata/autocast.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &ref); err != nil {
		t.Fatal(err)
	}
	for _, precision := range []string{Float32, MixedBFloat16} {
		losses := autocastLosses(t, ref.X, ref.Labels, ref.Weights, precision)
		for name, want := range ref.Losses {
			worst := 0.0
			for i := range want {
				worst = max(worst, math.Abs(losses[i]-want[i])/want[i])
			}
			t.Logf("%s against PyTorch's %s: off by %.2g", precision, name, worst)
			switch same := name == precision; {
			case same && precision == Float32 && worst > 1e-4, same && precision == MixedBFloat16 && worst > bf16Tolerance:
				t.Errorf("%s: the losses %v are not PyTorch's %v", precision, losses, want)
			case !same && worst < 2*bf16Tolerance:
				t.Errorf("%s is no nearer to itself than to %s", precision, name)
			}
		}
	}
}

// bf16Tolerance is relative: sums are formed in another order, so that some
// results are rounded to the other neighbour.
const bf16Tolerance = 2e-3

// autocastLosses are those of the script's model and training.
func autocastLosses(t *testing.T, x []float32, labels []int32, weights map[string][]float32, precision string) (losses []float64) {
	t.Helper()
	rows := len(labels)
	set, err := feed.NewSet("autocast", feed.FromF32(x, rows, len(x)/rows), feed.FromI32(labels, rows), nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := trainer(t, device(t), Spec{Name: "autocast", Model: mlp(6, 24, 3), Loss: "cross_entropy", Optimizer: optimizer(t, "sgd", 0.2, 0.9),
		Batch: rows, Ordered: true, Data: set, Precision: precision})
	for name, w := range weights {
		if err := tr.machine.mem.put(name, feed.FromF32(w, len(w)).Data); err != nil {
			t.Fatal(err)
		}
	}
	fit(t, tr, 30)
	for _, e := range tr.History() {
		losses = append(losses, e.Train[0].Value)
	}
	return losses
}
