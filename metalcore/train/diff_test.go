package train

import (
	"fmt"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// shown is a change in one line.
func shown(changes []Change) string {
	var lines []string
	for _, c := range changes {
		lines = append(lines, fmt.Sprintf("%s live=%v: %s", c.Field, c.Live, c.Detail))
	}
	return strings.Join(lines, "\n")
}

// strided is a convolution with the given stride.
func strided(n int) *ir.Graph {
	l := &layers{}
	k := param("kernel", "he_normal", 3, 3, 1, 4)
	spec := op.ConvSpec{Stride: []int{n, n}, Pad: []int{0, 0, 0, 0}, Dilation: []int{1, 1}}
	return model(l.stamp("conv2d", op.Conv2D(input(8, 8, 1), k, spec), k))
}

func TestDiff(t *testing.T) {
	was := irisSpec(t)
	digits, _ := split(t, "digits")
	tanh := func(h func(l *layers, x *ir.Value) *ir.Value) *ir.Graph {
		l := &layers{}
		return model(l.dense(h(l, l.dense(input(4), 16)), 3))
	}
	cases := []struct {
		name   string
		change func(s *Spec)
		want   string
	}{
		{"nothing", func(s *Spec) {}, ""},
		{"the same again", func(s *Spec) {
			again := irisSpec(t)
			again.Model.Values[0].Pos.Line = 7
			*s = again
		}, ""},
		{"width", func(s *Spec) { s.Model = mlp(4, 32, 3) },
			"model live=false: layer dense_1: kernel is [4,32], it was [4,16]"},
		{"activation", func(s *Spec) {
			s.Model = tanh(func(l *layers, x *ir.Value) *ir.Value { return l.stamp("tanh", op.Tanh(x)) })
		}, "model live=false: layer tanh_1: tanh of tanh_1 stands where relu of relu_1 was"},
		{"fewer layers", func(s *Spec) { s.Model = mlp(4, 0, 3) },
			"model live=false: layer dense_1: kernel is [4,3], it was [4,16]"},
		{"initialiser", func(s *Spec) {
			s.Model = mlp(4, 16, 3)
			s.Model.Params()[0].Attrs[ir.AttrInit] = "zeros"
		}, "model live=false: layer dense_1: init of kernel is zeros, it was he_normal"},
		{"loss", func(s *Spec) { s.Loss = "mse" }, "loss live=false: the loss is mse, it was cross_entropy"},
		{"optimizer", func(s *Spec) { s.Optimizer = optimizer(t, "sgd", 0.01) },
			"optimizer live=false: the optimizer is sgd, it was adam"},
		{"batch, seed, order", func(s *Spec) { s.Batch, s.Seed, s.Ordered = 8, 4, true },
			"batch live=false: the batch size is 8, it was 16\nseed live=false: the seed is 4, it was 3\n" +
				"ordered live=false: ordered is true, it was false"},
		{"live", func(s *Spec) { s.Optimizer, s.Valid = optimizer(t, "adam", 0.5), nil },
			"lr live=true: the learning rate is 0.5, it was 0.01\nvalid live=true: the validation data is none, it was \"iris/test\" (30 rows)"},
		{"data", func(s *Spec) { s.Data = digits },
			`data live=false: the data is "digits/train" (1438 rows), it was "iris/train" (120 rows)`},
	}
	for _, c := range cases {
		is := was
		c.change(&is)
		if got := shown(Diff(was, is)); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	momentum, is := was, was
	momentum.Optimizer, is.Optimizer = optimizer(t, "sgd", 1, 0.9), optimizer(t, "sgd", 1, 0.8)
	if got := shown(Diff(momentum, is)); got != "optimizer live=false: the optimizer's momentum is 0.8, it was 0.9" {
		t.Error(got)
	}
}

func TestDiffOfModels(t *testing.T) {
	l := &layers{}
	h := l.dense(input(4), 4)
	plain, residual := model(h), model(l.stamp("add", op.Add(h, l.relu(h))))
	x := input(4)
	a, b := op.Neg(x), op.Exp(x)
	cases := []struct {
		was, is *ir.Graph
		want    string
	}{
		{strided(1), strided(2), "layer conv2d_1: stride of conv2d is [2,2], it was [1,1]"},
		{plain, residual, "layer relu_1 is new"},
		{residual, plain, "layer relu_1 is missing"},
		{model(op.Sub(a, op.Add(a, b))), model(op.Sub(a, op.Add(b, a))), "the model: add takes another input"},
		{ir.NewGraph("m", []ir.Output{{Name: "y", Value: b}, {Name: "z", Value: a}}, nil),
			ir.NewGraph("m", []ir.Output{{Name: "z", Value: b}, {Name: "y", Value: a}}, nil), "the outputs or updates differ"},
		{model(op.Add(op.Add(a, b), a)), model(op.Add(op.Add(a, b), b)), "the model: add takes another input"},
	}
	for i, c := range cases {
		if got := diffModel(c.was, c.is); got != c.want {
			t.Errorf("case %d: got %q, want %q", i, got, c.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	var lines []string
	for _, l := range Describe(digitsCNN(16)) {
		lines = append(lines, fmt.Sprintf("%s %s %v %d", l.Name, l.Op, l.Shape, l.Params))
	}
	want := []string{"x input [B,8,8,1] 0", "conv2d_1 conv2d [B,6,6,16] 160", "relu_1 relu [B,6,6,16] 0",
		"maxpool2d_1 maxpool2d [B,3,3,16] 0", "flatten_1 reshape [B,144] 0", "dense_1 matmul [B,10] 1450"}
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
}
