package server_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/wire"
)

func TestHostileDeclare(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	labels := wire.Tensor{DType: "i32", Shape: []int{2}, Data: []byte{0, 0, 0, 0, 4, 0, 0, 0}}
	x := wire.Tensor{DType: "f32", Shape: []int{2, 4}, Data: make([]byte, 32)}
	call[wire.DataInfo](t, conn, &wire.PutData{Name: "five classes", X: x, Y: labels})
	deep := graph(func(x *ir.Value) *ir.Value {
		for range 5000 {
			x = op.Add(x, x)
		}
		return x
	}, ir.Batch, 4)
	for name, f := range map[string]func(*wire.TrainerSpec){
		"rubbish":             func(s *wire.TrainerSpec) { s.Model = "rubbish\n%1 = %2" },
		"no model":            func(s *wire.TrainerSpec) { s.Model = "" },
		"bytes":               func(s *wire.TrainerSpec) { s.Model = strings.Repeat("\x00\xff", 1000) },
		"a cut model":         func(s *wire.TrainerSpec) { s.Model = s.Model[:len(s.Model)/2] },
		"a wrong shape":       func(s *wire.TrainerSpec) { s.Model = strings.Replace(s.Model, "f32[B,3]", "f32[B,4]", 1) },
		"an op of ours":       func(s *wire.TrainerSpec) { s.Model = strings.Replace(s.Model, "matmul", "fused", 1) },
		"another input":       func(s *wire.TrainerSpec) { s.Model = model(5, 3) },
		"too few classes":     func(s *wire.TrainerSpec) { s.Data = wire.DataRef{Source: "five classes", User: true} },
		"huge weights":        func(s *wire.TrainerSpec) { s.Model = model(4, 1<<36) },
		"absurd weights":      func(s *wire.TrainerSpec) { s.Model = strings.ReplaceAll(model(4, 7), "7]", "1099511627776]") },
		"no parameters, deep": func(s *wire.TrainerSpec) { s.Model = deep },
		"no rows in a batch":  func(s *wire.TrainerSpec) { s.Batch = 0 },
		"a negative batch":    func(s *wire.TrainerSpec) { s.Batch = math.MinInt },
		"a loss of ours":      func(s *wire.TrainerSpec) { s.Loss.Name = "none" },
		"a loss for numbers":  func(s *wire.TrainerSpec) { s.Loss.Name = "mse" },
		"an optimizer":        func(s *wire.TrainerSpec) { s.Optimizer.Name = "none" },
		"a precision":         func(s *wire.TrainerSpec) { s.Precision = "mixed_float8" },
		"weights of halves":   func(s *wire.TrainerSpec) { s.Model = strings.ReplaceAll(s.Model, "f32", "f16") },
		"a learning rate":     func(s *wire.TrainerSpec) { s.Optimizer.Settings[0].Value = math.NaN() },
		"a setting":           func(s *wire.TrainerSpec) { s.Optimizer.Settings[0].Name = "speed" },
		"no data":             func(s *wire.TrainerSpec) { s.Data = wire.DataRef{} },
		"unknown data":        func(s *wire.TrainerSpec) { s.Data = wire.DataRef{Source: "mine", User: true} },
		"an unknown part":     func(s *wire.TrainerSpec) { s.Data.Part = "third" },
		"a share":             func(s *wire.TrainerSpec) { s.Data.Part, s.Data.Share = "train", math.Inf(1) },
		"validation":          func(s *wire.TrainerSpec) { s.Valid = wire.DataRef{Source: "digits"} },
	} {
		spec := iris("hostile")
		f(&spec.Spec)
		m, err := conn.Call(spec)
		p, ok := err.(*wire.Problem)
		if !ok || p.Code == wire.CodeInternal || p.Message == "" {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	if list := c.Runtime().Trainers(); len(list) != 0 {
		t.Errorf("%d trainers were made", len(list))
	}
	large := iris("a batch larger than the data")
	large.Spec.Batch = math.MaxInt
	call[wire.Declared](t, conn, large)
	call[wire.Trained](t, conn, &wire.Train{Trainer: large.Spec.Name, Epochs: 1, Background: true})
}

func TestHostileTraining(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	call[wire.Declared](t, conn, iris("a"))
	for _, epochs := range []int{0, -1, math.MinInt} {
		refused(t, conn, &wire.Train{Trainer: "a", Epochs: epochs}, wire.CodeBadRequest, "epochs")
	}
	for _, lr := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		refused(t, conn, &wire.SetLR{Trainer: "a", LR: lr}, wire.CodeBadRequest)
	}
	call[wire.Trained](t, conn, &wire.Train{Trainer: "a", Epochs: math.MaxInt, Background: true})
	call[wire.Trained](t, conn, &wire.Stop{Trainer: "a"})
	refused(t, conn, &wire.Evaluate{Trainer: "a", Data: wire.DataRef{Source: "digits"}}, wire.CodeBadRequest, "digits")
	for name, x := range map[string]wire.Tensor{
		"columns":  tensor(feed.FromF32(make([]float32, 6), 2, 3)),
		"axes":     tensor(feed.FromF32(make([]float32, 8), 1, 2, 4)),
		"none":     {DType: "f32", Shape: nil, Data: make([]byte, 4)},
		"absurd":   {DType: "f32", Shape: []int{0, 1 << 62, 1 << 62}},
		"negative": {DType: "f32", Shape: []int{-1, 4}},
		"type":     {DType: "f64", Shape: []int{1, 4}, Data: make([]byte, 16)},
		"NaN":      tensor(feed.FromF32([]float32{1, 2, 3, float32(math.NaN())}, 1, 4)),
	} {
		if _, err := conn.Call(&wire.Predict{Trainer: "a", X: x}); err == nil {
			t.Errorf("predict %s: no error", name)
		} else {
			isProblem(t, err, wire.CodeBadRequest)
		}
	}
}

func TestHostileCompute(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	one := []wire.Operand{{Name: "x", X: tensor(feed.FromF32([]float32{1}, 1))}}
	for name, x := range map[string]struct {
		graph  string
		inputs []wire.Operand
		code   string
	}{
		"nothing":           {"", nil, wire.CodeBadRequest},
		"not stored":        {"", []wire.Operand{{Name: "x", Stored: "none"}}, wire.CodeUnknown},
		"no input":          {graph(double, 1), nil, wire.CodeBadRequest},
		"another input":     {graph(double, 2), one, wire.CodeBadRequest},
		"rubbish":           {"graph \"x\"\n%0 = input", one, wire.CodeBadRequest},
		"a model":           {model(4, 3), nil, wire.CodeBadRequest},
		"a large constant":  {graph(func(x *ir.Value) *ir.Value { return op.Add(x, ir.Const(1, ir.F32, 1<<40)) }, 1), one, wire.CodeResource},
		"a large product":   {graph(product, 1), one, wire.CodeResource},
		"much between":      {graph(func(x *ir.Value) *ir.Value { return op.Sum(product(x), false) }, 1), one, wire.CodeResource},
		"an absurd shape":   {strings.ReplaceAll(graph(double, 77), "77", "99999999999999999"), one, wire.CodeBadRequest},
		"absurd input":      {graph(double, 1), []wire.Operand{{Name: "x", X: wire.Tensor{DType: "f32", Shape: []int{1 << 40}}}}, wire.CodeResource},
		"absurd axes":       {graph(double, 1), []wire.Operand{{Name: "x", X: wire.Tensor{DType: "f32", Shape: []int{1 << 40, 1 << 40}}}}, wire.CodeBadRequest},
		"no file":           {graph(double, 1), []wire.Operand{{Name: "x", X: wire.Tensor{DType: "f32", Shape: []int{1}, File: "tensor-0"}}}, wire.CodeBadRequest},
		"a file of others":  {graph(double, 1), []wire.Operand{{Name: "x", X: wire.Tensor{DType: "f32", Shape: []int{1}, File: "../core.log"}}}, wire.CodeBadRequest},
		"bytes for a shape": {graph(double, 1), []wire.Operand{{Name: "x", X: wire.Tensor{DType: "f32", Shape: []int{1}, Data: make([]byte, 5)}}}, wire.CodeBadRequest},
		"bools of 7":        {strings.Replace(graph(double, 1), "f32", "bool", 1), []wire.Operand{{Name: "x", X: wire.Tensor{DType: "bool", Shape: []int{1}, Data: []byte{7}}}}, wire.CodeBadRequest},
		"mixed types":       {strings.Replace(graph(double, 1), "f32", "bf16", 1), []wire.Operand{{Name: "x", X: wire.Tensor{DType: "bf16", Shape: []int{1}, Data: []byte{0, 7}}}}, wire.CodeBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, conn, &wire.Compute{Graph: x.graph, Inputs: x.inputs, Store: "stored"}, x.code)
		})
	}
	if list := c.Runtime().Sessions()[0].Tensors(); len(list) != 0 {
		t.Errorf("stored %v", list)
	}
}

func TestHostileCall(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	row := func(n int) wire.Operand {
		return wire.Operand{X: tensor(feed.FromF32(make([]float32, n), 1, n))}
	}
	for name, x := range map[string]struct {
		call wire.Call
		code string
	}{
		"no such function": {wire.Call{Func: "exec"}, wire.CodeBadRequest},
		"no operand":       {wire.Call{Func: "inv"}, wire.CodeBadRequest},
		"not stored":       {wire.Call{Func: "inv", Inputs: []wire.Operand{{Stored: "none"}}}, wire.CodeUnknown},
		"singular":         {wire.Call{Func: "inv", Inputs: []wire.Operand{row(1)}}, wire.CodeBadRequest},
		"a large answer":   {wire.Call{Func: "lstsq", Inputs: []wire.Operand{row(30_000), row(30_000)}}, wire.CodeBadRequest},
		"absurd numbers":   {wire.Call{Func: "irfft", N: 1 << 60, Inputs: []wire.Operand{row(1), row(1)}}, wire.CodeBadRequest},
		"absurd input":     {wire.Call{Func: "inv", Inputs: []wire.Operand{{X: wire.Tensor{DType: "f32", Shape: []int{1 << 20, 1 << 20}}}}}, wire.CodeResource},
	} {
		t.Run(name, func(t *testing.T) { refused(t, conn, &x.call, x.code) })
	}
}

// product is 4 TB of numbers, made of a few.
func product(x *ir.Value) *ir.Value {
	column := op.Reshape(op.Add(op.Cast(ir.Iota(1<<20), ir.F32), x), ir.Shape{1 << 20, 1})
	return op.Mul(column, op.Transpose(column))
}

func TestHostilePicture(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	call[wire.Declared](t, conn, iris("a"))
	digits, flowers := wire.DataRef{Source: "digits"}, wire.DataRef{Source: "iris"}
	for name, req := range map[string]wire.Picture{
		"unknown":           {What: "portrait", Trainer: "a"},
		"empty":             {},
		"no trainer":        {What: "chart", Trainer: "b"},
		"no data":           {What: "data", Data: wire.DataRef{Source: "none"}},
		"row out of range":  {What: "images", Data: digits, Rows: []int{0, 5000}},
		"negative row":      {What: "predictions", Trainer: "a", Data: flowers, Rows: []int{-1}},
		"a million rows":    {What: "images", Data: digits, Rows: make([]int, 1_000_000)},
		"a million answers": {What: "predictions", Trainer: "a", Data: flowers, Rows: make([]int, 1_000_000)},
		"no images":         {What: "images", Data: flowers},
		"no tensor":         {What: "images"},
		"a number":          {What: "images", X: tensor(feed.FromF32([]float32{1}))},
		"no pixels":         {What: "images", X: wire.Tensor{DType: "f32", Shape: []int{5, 0, 8, 1}}},
		"absurd pixels":     {What: "images", X: wire.Tensor{DType: "f32", Shape: []int{0, 1 << 40, 1 << 40, 1}}},
		"a million images":  {What: "images", X: tensor(feed.FromF32(make([]float32, 1_000_000), 1_000_000, 1, 1))},
		"other data":        {What: "confusion", Trainer: "a", Data: digits},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := conn.Call(&req)
			p, ok := err.(*wire.Problem)
			if !ok || p.Code == wire.CodeInternal || p.Message == "" {
				t.Errorf("%v", err)
			}
		})
	}
	odd := wire.Picture{What: "images", Data: digits, Titles: []string{"\x00<script>", strings.Repeat("long ", 100_000)}}
	call[wire.Show](t, conn, &odd)
	if _, err := conn.Recv(); err != nil {
		t.Fatal(err)
	}
}

func TestHostileData(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	f32 := func(xs []float32, shape ...int) wire.Tensor { return tensor(feed.FromF32(xs, shape...)) }
	i32 := func(xs []int32, shape ...int) wire.Tensor { return tensor(feed.FromI32(xs, shape...)) }
	x, nan := f32([]float32{1, 2}, 2, 1), float32(math.NaN())
	for name, req := range map[string]wire.PutData{
		"nothing":        {},
		"no rows":        {X: f32(nil, 0, 4), Y: f32(nil, 0)},
		"no columns":     {X: f32(nil, 2, 0), Y: f32([]float32{1, 2}, 2)},
		"other rows":     {X: x, Y: f32([]float32{1, 2, 3}, 3)},
		"NaN":            {X: f32([]float32{1, nan}, 2, 1), Y: f32([]float32{1, 2}, 2)},
		"NaN in y":       {X: x, Y: f32([]float32{1, nan}, 2)},
		"negative label": {X: x, Y: i32([]int32{0, -1}, 2)},
		"huge label":     {X: x, Y: i32([]int32{0, math.MaxInt32}, 2)},
		"unnamed label":  {X: x, Y: i32([]int32{0, 2}, 2), Classes: []string{"a", "b"}},
		"a scalar":       {X: f32([]float32{1}), Y: i32([]int32{0})},
		"absurd":         {X: wire.Tensor{DType: "f32", Shape: []int{1 << 40, 4}}, Y: x},
	} {
		req.Name = "mine"
		m, err := conn.Call(&req)
		p, ok := err.(*wire.Problem)
		if !ok || p.Code == wire.CodeInternal || p.Message == "" {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	refused(t, conn, &wire.HasData{Name: "mine"}, wire.CodeUnknown)
	digits := wire.DataRef{Source: "digits"}
	refused(t, conn, &wire.Rows{Ref: digits, Rows: []int{1797}}, wire.CodeBadRequest, "1796")
	for seed := range 50 {
		call[wire.DataInfo](t, conn, &wire.AskData{Ref: wire.DataRef{Source: "digits", Part: "train", Share: 0.5, Seed: int64(seed)}})
	}
}

// No file of a tensor outlives the request that it belongs to, whatever
// becomes of that, nor an answer that is not fetched its client.
func TestExchangedFiles(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	call[wire.Declared](t, conn, iris("a"))
	large := func(shape ...int) wire.Tensor {
		x := wire.Tensor{DType: "f32", Shape: shape, Data: make([]byte, 4*ir.Shape(shape).Elems())}
		if err := x.Export(c.Place); err != nil || x.File == "" {
			t.Fatal(x.File, err)
		}
		return x
	}
	file := large(1000, 100)
	for _, req := range []wire.Message{
		&wire.Predict{Trainer: "none", X: file},
		&wire.Predict{Trainer: "a", X: file},
		&wire.PutData{Name: "x", X: wire.Tensor{DType: "none"}, Y: file},
		&wire.Picture{What: "none", X: file},
		&wire.Compute{Graph: "rubbish", Inputs: []wire.Operand{{Name: "x", Stored: "none"}, {Name: "y", X: file}}},
		&wire.Call{Func: "none", Inputs: []wire.Operand{{Stored: "none"}, {X: file}}},
	} {
		path := filepath.Join(c.Place.Exchange(), file.File)
		if err := os.WriteFile(path, make([]byte, 400_000), 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := conn.Call(req); err == nil {
			t.Errorf("%T: %v", req, m)
		}
		eventually(t, fmt.Sprintf("the file of a %T to go", req), func() bool { return len(exchanged(t, c)) == 0 })
	}
	wrong := large(1000, 100)
	wrong.Shape = []int{7}
	refused(t, conn, &wire.Compute{Graph: graph(double, 7), Inputs: []wire.Operand{{Name: "x", X: wrong}}}, wire.CodeBadRequest)

	x := large(100_000)
	out := call[wire.Tensors](t, conn, &wire.Compute{Graph: graph(double, 100_000), Inputs: []wire.Operand{{Name: "x", X: x}}})
	if _, err := os.Stat(filepath.Join(c.Place.Exchange(), out.List[0].File)); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	eventually(t, "an answer that nobody fetched to go", func() bool { return len(exchanged(t, c)) == 0 })
}

// An answer that does not fit a frame is an error and not the end.
func TestAnswerTooLarge(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	x := ir.Input("x", ir.F32, 1)
	var outputs []ir.Output
	for i := range 80 {
		outputs = append(outputs, ir.Output{Name: fmt.Sprint("y", i), Value: op.Add(x, ir.Const(float64(i), ir.F32, 60_000))})
	}
	req := &wire.Compute{Graph: ir.NewGraph("tensor", outputs, nil).String(), Inputs: []wire.Operand{{Name: "x", X: tensor(feed.FromF32([]float32{1}, 1))}}}
	refused(t, conn, req, wire.CodeResource, "less at once")
}

// Values that are used twice, and what is computed of them again, are as many as
// 2^60 to whoever walks over them without noticing. Large graphs take their time,
// and end.
func TestGraphsOfManyPaths(t *testing.T) {
	c := start(t)
	conn := client(t, c)
	pad := func(x *ir.Value) *ir.Value { return op.Pad(op.SliceAxis(x, 0, 0, 2), []int{0, 0}, []int{2, 0}, 0) }
	for name, f := range map[string]func(x *ir.Value) *ir.Value{
		"sums":          double,
		"products":      func(x *ir.Value) *ir.Value { return op.Mul(x, x) },
		"matrices":      func(x *ir.Value) *ir.Value { return op.MatMul(x, x, false, true) },
		"differences":   func(x *ir.Value) *ir.Value { return op.Sub(op.Neg(x), op.Transpose(x)) },
		"choices":       func(x *ir.Value) *ir.Value { return op.Max(x, op.Exp(x)) },
		"pieces":        func(x *ir.Value) *ir.Value { return op.Concat(0, op.SliceAxis(x, 0, 0, 2), op.SliceAxis(x, 0, 2, 4)) },
		"sums of pads":  func(x *ir.Value) *ir.Value { return op.Add(pad(x), pad(x)) },
		"broadcasts":    func(x *ir.Value) *ir.Value { return op.Add(x, op.Sum(x, true, 0)) },
		"halves of one": func(x *ir.Value) *ir.Value { return op.Add(op.Cast(op.Cast(x, ir.F16), ir.F32), x) },
	} {
		t.Run(name, func(t *testing.T) {
			paths := func(x *ir.Value) *ir.Value {
				x = pad(x)
				for range 60 {
					x = f(x)
				}
				return x
			}
			x := []wire.Operand{{Name: "x", X: tensor(feed.FromF32(make([]float32, 16), 4, 4))}}
			call[wire.Tensors](t, conn, &wire.Compute{Graph: graph(paths, 4, 4), Inputs: x})
		})
	}
	long := graph(func(x *ir.Value) *ir.Value {
		for range 20_000 {
			x = op.Add(x, x)
		}
		return x
	}, 4)
	call[wire.Tensors](t, conn, &wire.Compute{Graph: long, Inputs: []wire.Operand{{Name: "x", X: tensor(feed.FromF32(make([]float32, 4), 4))}}})
}
