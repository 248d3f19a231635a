package nb

import (
	"errors"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

func digitsModel() *Tensor {
	return Input(8, 8, 1).Conv2D(16, 3).ReLU().MaxPool2D(2).Flatten().Dense(10)
}

// caught returns the error that f raises.
func caught(t *testing.T, f func()) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](Try(f))
	if !ok {
		t.Fatal("no error")
	}
	return e
}

func TestShapeErrorsSayWhereAndWhat(t *testing.T) {
	x := Input(8, 8, 1)
	for name, c := range map[string]struct {
		f    func()
		want []string // in the message
	}{
		"kernel too large": {func() { x.Conv2D(16, 9) }, []string{"conv2d", "[B,8,8,1]", "9"}},
		"not an image":     {func() { Input(64).Conv2D(16, 3) }, []string{"conv2d", "[B,64]", "nb.Input(height, width, channels)"}},
		"not flat":         {func() { x.Dense(10) }, []string{"dense", "[B,8,8,1]", ".Flatten()"}},
		"broadcast":        {func() { Input(3).Add(Input(4)) }, []string{"add", "[B,3]", "[B,4]"}},
		"matmul":           {func() { Ones(2, 3).MatMul(Ones(4, 5)) }, []string{"matmul", "[2,3]", "[4,5]"}},
		"types":            {func() { Ones(3, 2).Take(Ones(3)) }, []string{"take", "f32[3]", "Int()"}},
		"axis":             {func() { Ones(3).Sum(1) }, []string{"sum", "1"}},
		"operand":          {func() { Ones(3).Mul("two") }, []string{"mul", "string"}},
		"no units":         {func() { Input(4).Dense(0) }, []string{"Dense(0)"}},
		"pool":             {func() { x.MaxPool2D(9) }, []string{"maxpool2d", "[B,8,8,1]"}},
		"input":            {func() { Input(0) }, []string{"positive"}},
		"reshape":          {func() { x.Reshape(5, 5) }, []string{"reshape", "64"}},
		"groups":           {func() { Input(4, 4, 6).Conv2DWith(Conv{Filters: 6, Kernel: [2]int{3, 3}, Groups: 4}) }, []string{"conv2d", "4 groups"}},
		"pad and padding":  {func() { x.Conv2DWith(Conv{Filters: 1, Kernel: [2]int{3, 3}, Padding: Same, Pad: [4]int{1, 1, 1, 1}}) }, []string{"same", "[1 1 1 1]"}},
		"no kernel":        {func() { x.Conv2DWith(Conv{Filters: 1}) }, []string{"kernel [0 0]"}},
		"stride":           {func() { Input(5, 2).Conv1DWith(Conv1{Filters: 1, Kernel: 2, Stride: -1}) }, []string{"conv1d", "stride [1 -1]"}},
		"negative groups":  {func() { Input(4, 4, 6).Conv2DWith(Conv{Filters: 6, Kernel: [2]int{3, 3}, Groups: -1}) }, []string{"-1 groups"}},
		"nothing left":     {func() { x.ConvTranspose2DWith(Conv{Filters: 1, Kernel: [2]int{1, 1}, Pad: [4]int{4, 4, 0, 0}}) }, []string{"[4 4 0 0]", "nothing"}},
		"no sequence":      {func() { x.LSTM(4) }, []string{"lstm", "[B,8,8,1]", "nb.Input(steps, features)"}},
		"heads":            {func() { Input(5, 6).MultiHeadAttention(4, Attention{}) }, []string{"4 heads", "6 features"}},
		"mask":             {func() { Input(5, 6).MultiHeadAttention(2, Attention{Mask: Ones(5, 5)}) }, []string{"mask is f32[5,5]", "i32"}},
		"rate":             {func() { x.Dropout(1) }, []string{"dropout", "1", "0.5"}},
		"group norm":       {func() { Input(4).GroupNorm(3) }, []string{"3 groups", "[B,4]"}},
		"norm of numbers":  {func() { Input().BatchNorm() }, []string{"batch_norm", "channels"}},
		"embedding":        {func() { Input(3).Embedding(0, 2) }, []string{"Embedding(0, 2)"}},
		"odd features":     {func() { Input(3, 3).PositionalEncoding() }, []string{"even"}},
		"split":            {func() { Input(5).Split(2, 1) }, []string{"2 parts", "[B,5]"}},
		"slice":            {func() { Input(5).Slice(1, 2, 9) }, []string{"2 to 9", "size 5"}},
		"cut batch":        {func() { Input(5).Slice(0, 0, 1) }, []string{"batch"}},
		"concat":           {func() { Concat(1, Input(5, 2), Input(5, 3)) }, []string{"concat", "[B,5,2]", "[B,5,3]"}},
		"pad":              {func() { Input(5).Pad(2, 1, 1) }, []string{"axis 2"}},
		"permute":          {func() { Input(5, 4).Permute(1, 2) }, []string{"permute", "2 axes"}},
		"ragged":           {func() { Array([][]int{{1, 2}, {3}}) }, []string{"2", "1"}},
		"not numbers":      {func() { Array([]string{"a"}) }, []string{"string"}},
	} {
		e := caught(t, c.f)
		for _, want := range c.want {
			if !strings.Contains(e.Error(), want) {
				t.Errorf("%s: %q does not mention %q", name, e.Error(), want)
			}
		}
	}
}

// userBlock is a layer of a user's own.
func userBlock(x *Tensor) *Tensor { return x.Dense(4).ReLU().Add(x) }

func TestLayersAreNumberedWithinTheModel(t *testing.T) {
	Input(3).Dense(7) // another model, before
	text := modelText("m", userBlock(userBlock(Input(4))).Dense(2).Named("logits"))
	for _, want := range []string{`"dense_1/weight"`, `"dense_2/bias"`, `"logits/weight"`, `"relu_2"`, `"add_1"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if again := modelText("m", userBlock(userBlock(Input(4))).Dense(2).Named("logits")); canonical(t, again) != canonical(t, text) {
		t.Error("the same declaration is another text the second time")
	}
}

func canonical(t *testing.T, text string) string {
	t.Helper()
	g, err := ir.Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if err := op.Check(g); err != nil {
		t.Fatal(err)
	}
	return g.Canonical()
}

func TestShapes(t *testing.T) {
	for _, c := range []struct {
		x    *Tensor
		want string
	}{
		{digitsModel(), "[B,10]"},
		{Input(8, 8, 1).Conv2DWith(Conv{Filters: 4, Kernel: [2]int{3, 5}, Padding: Same}), "[B,8,8,4]"},
		{Input(9, 9, 2).Conv2DWith(Conv{Filters: 4, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Padding: Same, NoBias: true}), "[B,5,5,4]"},
		{Input(9, 9, 2).Conv2DWith(Conv{Filters: 4, Kernel: [2]int{3, 3}, Dilation: [2]int{2, 2}}), "[B,5,5,4]"},
		{Input(7, 5, 4).Conv2DWith(Conv{Filters: 6, Kernel: [2]int{3, 1}, Pad: [4]int{1, 2, 0, 1}, Groups: 2}), "[B,8,6,6]"},
		{Input(7, 5, 4).DepthwiseConv2D(3).Conv2D(9, 1), "[B,7,5,9]"},
		{Input(10, 3).Conv1D(4, 3), "[B,8,4]"},
		{Input(10, 3).Conv1DWith(Conv1{Filters: 4, Kernel: 3, Stride: 2, Padding: Same}), "[B,5,4]"},
		{Input(4, 5, 3).ConvTranspose2D(2, 3, 2), "[B,9,11,2]"},
		{Input(4, 5, 3).ConvTranspose2DWith(Conv{Filters: 2, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Padding: Same}), "[B,8,10,2]"},
		{Input(7, 6, 2).MaxPool2DWith(Pool{Window: [2]int{3, 2}, Stride: [2]int{1, 2}}), "[B,5,3,2]"},
		{Input(7, 6, 2).AvgPool2DWith(Pool{Window: [2]int{2, 2}, Padding: Same}), "[B,4,3,2]"},
		{Input(6, 6, 2).AvgPool2D(3), "[B,2,2,2]"},
		{Input(7, 6, 2).GlobalMaxPool2D(), "[B,2]"},
		{Input(7, 6, 2).UpSample2D(3), "[B,21,18,2]"},
		{InputInts(20).Embedding(100, 8).PositionalEncoding().MultiHeadAttention(2, Attention{Causal: true}).LayerNorm(), "[B,20,8]"},
		{Input(5, 4).MultiHeadAttention(2, Attention{Context: Input(7, 3)}), "[B,5,4]"},
		{Input(5, 4).LSTM(3), "[B,3]"},
		{Input(5, 4).GRUWith(Recurrent{Units: 3, Sequences: true}), "[B,5,3]"},
		{Input(5, 4).Dense(3), "[B,5,3]"},
		{Input(5, 4).Permute(0, 2, 1).Pad(1, 1, 2), "[B,7,5]"},
		{Concat(1, Input(5), Input(6)), "[B,11]"},
		{Input(5, 6).Split(3, 2)[2], "[B,5,2]"},
		{Input(4, 6).Reshape(2, 12), "[B,2,12]"},
		{Input(4, 6).Mean(1), "[B,6]"},
		{Input(4, 6).Max(-1), "[B,4]"},
		{Input(5).ArgMax(1), "[B]"},
		{Ones(2, 3).Transpose(), "[3,2]"},
		{Ones(7, 3).Take(Arange(2)), "[2,3]"},
		{Ones(3).Lt(2).Where(Ones(3), 5), "[3]"},
	} {
		if got := c.x.v.Shape.String(); got != c.want {
			t.Errorf("%s has the shape %s, not %s", c.x.v.Op, got, c.want)
		}
	}
}

func TestDeclarationErrors(t *testing.T) {
	data := Builtin("digits")
	for name, f := range map[string]func(){
		"no name":        func() { NewTrainer("", digitsModel(), Config{Data: data}) },
		"no model":       func() { NewTrainer("t", nil, Config{Data: data}) },
		"no data":        func() { NewTrainer("t", digitsModel(), Config{}) },
		"no input":       func() { NewTrainer("t", Ones(3), Config{Data: data}) },
		"two inputs":     func() { NewTrainer("t", Input(3).Add(Input(3)), Config{Data: data}) },
		"array in it":    func() { NewTrainer("t", Input(3).Add(Array([]float32{1, 2, 3})), Config{Data: data}) },
		"batch":          func() { NewTrainer("t", digitsModel(), Config{Data: data, Batch: -1}) },
		"learning rate":  func() { NewTrainer("t", digitsModel(), Config{Data: data, Optimizer: Adam{LR: -1}}) },
		"two of a name":  func() { NewTrainer("t", Input(3).Dense(3).Named("a").Dense(3).Named("a"), Config{Data: data}) },
		"split":          func() { data.Split(1, 0) },
		"split of split": func() { train, _ := data.Split(0.5, 0); train.Split(0.5, 0) },
		"data":           func() { Data("d", [][]float32{{1}, {2}}, []int{0}) },
		"empty data":     func() { Data("d", [][]float32{}, []int{}) },
	} {
		if e := caught(t, f); e.Remedy == "" || e.Message == "" {
			t.Errorf("%s: no remedy in %q", name, e.Error())
		}
	}
}

func TestDeclaringCostsNoRoundTrip(t *testing.T) {
	t.Setenv("METALNB_DIR", t.TempDir())
	t.Setenv("METALNB_BIN", "/nowhere")
	core.Lock()
	core.idle = nil // connections that other tests left
	core.Unlock()
	train, test := Data("mine", [][]int{{1}, {2}, {3}, {4}}, []int{0, 1, 0, 1}).Split(0.5, 1)
	h := NewTrainer("t", Input(1).Dense(2), Config{Data: train, Valid: test})
	e := caught(t, h.Stop)
	if e.Code != CodeCore || !strings.Contains(e.Message, "METALNB_BIN") {
		t.Errorf("the first method that needs the core says %v", e)
	}
}
