package train

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/feed"
)

func TestReportAndCurves(t *testing.T) {
	spec := irisSpec(t)
	tr := trainer(t, device(t), spec)
	fit(t, tr, 60)
	before := tr.Info().Bytes
	r, err := tr.Report(context.Background(), spec.Valid)
	if err != nil {
		t.Fatal(err)
	}
	if after := tr.Info().Bytes; after > before+9*4+64 { // the matrix stays, no program does
		t.Errorf("the report left %d bytes on the device", after-before)
	}
	metrics, _, err := tr.Evaluate(context.Background(), spec.Valid)
	if err != nil {
		t.Fatal(err)
	}
	y, err := tr.Predict(spec.Valid.X, true)
	if err != nil {
		t.Fatal(err)
	}
	cells := [3][3]int{}
	for i, label := range spec.Valid.Y.I32s() {
		best, row := 0, y.F32s()[3*i:3*i+3]
		for j := range row {
			if row[j] > row[best] {
				best = j
			}
		}
		cells[label][best]++
	}
	for i := range 3 {
		if [3]int(r.Confusion.Cells[i]) != cells[i] {
			t.Errorf("the matrix is %v, want %v", r.Confusion.Cells, cells)
		}
	}
	if a := value(t, metrics, "accuracy"); math.Abs(a-r.Confusion.Accuracy()) > 1e-7 || !strings.Contains(r.String(), "virginica") {
		t.Errorf("the accuracy is %v, in the report\n%v", a, r)
	}
	for _, kind := range []string{CurveROC, CurvePR} {
		if c, err := tr.Curve(spec.Valid, kind, 0); err != nil || c.Area != 1 { // setosa is told apart by any line
			t.Errorf("%s of setosa: %v, %v", kind, c, err)
		}
		if _, err := tr.Curve(spec.Valid, kind, 3); err == nil || !strings.Contains(err.Error(), "no curve of the class 3") {
			t.Errorf("%s of a class that is not there: %v", kind, err)
		}
	}
	if _, err := tr.Curve(spec.Valid, "lift", 0); err == nil || !strings.Contains(err.Error(), `no curve "lift": there are roc and pr`) {
		t.Errorf("got %v", err)
	}
}

func TestReportOfNumbers(t *testing.T) {
	data, err := feed.NewSet("line", feed.FromF32([]float32{1, 2}, 2, 1), feed.FromF32([]float32{1, 2}, 2), nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := trainer(t, device(t), Spec{Name: "line", Model: oneLayer(input(1), param("kernel", "zeros", 1, 1)), Loss: "mse",
		Optimizer: optimizer(t, "sgd", 0.1), Batch: 2, Data: data})
	if _, err := tr.Report(context.Background(), data); err == nil || !strings.Contains(err.Error(), "does not go with the loss mse, which is for numbers") {
		t.Errorf("got %v", err)
	}
	if _, err := tr.Curve(data, CurveROC, 1); err == nil || !strings.Contains(err.Error(), "no curve of the class 1") {
		t.Errorf("got %v", err)
	}
}
