package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/display/render"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// history is a run of some epochs whose numbers follow a simple curve; the
// validation loss is lowest in epoch 4.
func history(epochs int) wire.Run {
	run := wire.Run{Info: wire.TrainerInfo{
		Name: "digits", State: wire.StateFinished, Epoch: epochs, StepsPerEpoch: 10,
		LR: 0.001, StepsPerSec: 1234, Step: int64(10 * epochs),
		Valid: wire.DataInfo{Ref: wire.DataRef{Source: "digits", Part: "test"}, Rows: 360},
	}}
	for s := 1; s <= 10*epochs; s++ {
		run.Points = append(run.Points, wire.Point{Step: int64(s), Loss: 2 / float64(s)})
	}
	for n := 1; n <= epochs; n++ {
		loss, valid := 1/float64(n), 0.2+math.Abs(float64(n-4))/10
		run.Epochs = append(run.Epochs, wire.Epoch{
			N: n, Steps: 10, Seconds: 0.25, LR: 0.001,
			Train: []wire.Metric{{Name: "loss", Value: loss}, {Name: "accuracy", Value: 1 - loss/2}},
			Valid: []wire.Metric{{Name: "loss", Value: valid}, {Name: "accuracy", Value: 1 - valid/2}},
		})
	}
	return run
}

// option digs the ECharts option out of the HTML.
func option(t *testing.T, items []wire.Item) (o struct {
	Series []struct {
		Name string
		Data [][2]*float64
	}
	XAxis []struct{ Max float64 }
	YAxis []struct{ Name string }
}) {
	t.Helper()
	m := regexp.MustCompile(`data-option='([^']*)'`).FindSubmatch(part(items, "text/html"))
	if m == nil {
		t.Fatal("no option in the HTML")
	}
	if err := json.Unmarshal(m[1], &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestChartGolden(t *testing.T) {
	r := render.New()
	live := history(5)
	live.Info.State, live.Info.Goal, live.Info.EpochStep = wire.StateRunning, 8, 3
	golden(t, "chart-live", r.Chart(live, false))
	golden(t, "chart-final", r.Chart(history(5), true))
	a, b, c := history(5), history(3), history(4)
	a.Info.Name, b.Info.Name, c.Info.Name = "/books/a.ipynb/digits", "/books/b.ipynb/digits", "/books/b.ipynb/<wide>"
	golden(t, "compare", r.Compare([]wire.Run{a, b, c}))
	golden(t, "epochs-long", r.Epochs(history(40).Epochs))
}

func TestChartShowsBothMetrics(t *testing.T) {
	o := option(t, render.New().Chart(history(3), false))
	var got []string
	for _, s := range o.Series {
		got = append(got, fmt.Sprint(s.Name, len(s.Data)))
	}
	if want := "each step30 train3 validation3 train3 validation3"; strings.Join(got, " ") != want {
		t.Errorf("series %v, want %s", got, want)
	}
	if len(o.YAxis) != 2 || o.YAxis[0].Name != "loss" || o.YAxis[1].Name != "accuracy" {
		t.Errorf("axes %v", o.YAxis)
	}
	if *o.Series[0].Data[9][0] != 1 || *o.Series[0].Data[9][1] != 0.2 {
		t.Error("step 10 of 10 is not at epoch 1")
	}
}

func TestChartWithLossAlone(t *testing.T) {
	run := history(3)
	run.Info.Valid = wire.DataInfo{}
	for i := range run.Epochs {
		run.Epochs[i].Train, run.Epochs[i].Valid = run.Epochs[i].Train[:1], nil
	}
	items := render.New().Chart(run, true)
	if o := option(t, items); len(o.YAxis) != 1 || len(o.Series) != 2 {
		t.Errorf("%d axes, %d series, want 1 and 2", len(o.YAxis), len(o.Series))
	}
	if strings.Contains(string(part(items, "text/plain")), "best") {
		t.Error("without validation nothing is best")
	}
}

func TestNumbersThatAreNotFinite(t *testing.T) {
	run := history(4)
	run.Points[5].Loss, run.Points[6].Loss = math.NaN(), math.Inf(1)
	run.Epochs[1].Train[0].Value = math.Inf(-1)
	run.Epochs[2].Valid[1].Value = math.NaN()
	run.Info.LR, run.Info.StepsPerSec = math.Inf(1), math.NaN()
	items := render.New().Chart(run, true)
	o := option(t, items)
	if d := o.Series[0].Data; d[5][1] != nil || d[6][1] != nil || d[7][1] == nil {
		t.Error("the two bad points are not the two gaps")
	}
	if o.Series[1].Data[1][1] != nil || o.Series[4].Data[2][1] != nil {
		t.Error("a bad epoch is no gap")
	}
	picture(t, items)
	if !strings.Contains(string(part(items, "text/plain")), "-inf") {
		t.Error("the table hides that the loss was infinite")
	}
}

func TestExtremeValues(t *testing.T) {
	for _, loss := range []float64{0, 1e-300, 1e300, math.MaxFloat64, -math.MaxFloat64, -5} {
		run := history(2)
		for i := range run.Points {
			run.Points[i].Loss = loss
		}
		run.Epochs[0].Train[0].Value, run.Epochs[1].Train[0].Value = loss, -loss
		items := render.New().Chart(run, true)
		option(t, items)
		picture(t, items)
	}
}

func TestLongRunsAreThinned(t *testing.T) {
	run := history(1)
	run.Points = nil
	for s := range 100_000 {
		run.Points = append(run.Points, wire.Point{Step: int64(s + 1), Loss: float64(s % 2)})
	}
	run.Points[0].Loss, run.Points[99_999].Loss = 7, 5
	d := option(t, render.New().Chart(run, false)).Series[0].Data
	if len(d) != 300 || *d[0][1] != 7 || *d[299][1] != 5 {
		t.Fatalf("%d points from %v to %v, want 300 from 7 to 5", len(d), *d[0][1], *d[299][1])
	}
	for _, p := range d[1:299] {
		if math.Abs(*p[1]-0.5) > 0.01 {
			t.Fatalf("the mean of 0 and 1 became %v", *p[1])
		}
	}
}

func TestTimeAxis(t *testing.T) {
	for _, c := range []struct {
		epochs, goal int
		state        string
		want         float64
	}{
		{3, 0, wire.StateFinished, 3}, {3, 8, wire.StateRunning, 8}, {3, 8, wire.StateFinished, 3},
		{3, 200, wire.StateRunning, 10}, {15, 200, wire.StateRunning, 20}, {30, 200, wire.StateRunning, 50},
		{120, 200, wire.StateRunning, 200},
	} {
		run := history(c.epochs)
		run.Info.Goal, run.Info.State = c.goal, c.state
		if got := option(t, render.New().Chart(run, false)).XAxis[0].Max; got != c.want {
			t.Errorf("%d epochs, goal %d, %s: the axis ends at %v, want %v", c.epochs, c.goal, c.state, got, c.want)
		}
	}
}

func TestFinalChartHoldsItsPicture(t *testing.T) {
	r := render.New()
	items := r.Chart(history(5), true)
	m := picture(t, items)
	if s := m.Bounds().Size(); s.X != 1520 || s.Y != 560 {
		t.Errorf("the picture is %v", s)
	}
	if train, valid := colored(m, 0x3b, 0x82, 0xc4), colored(m, 0xe0, 0x7b, 0x39); train < 1000 || valid < 1000 {
		t.Errorf("%d pixels of the training curves and %d of the validation curves", train, valid)
	}
	if uris := dataURI.FindAll(part(items, "text/html"), -1); len(uris) != 1 || bytes.ContainsAny(uris[0], "\n\r ") {
		t.Errorf("%d pictures in the HTML", len(uris))
	}
	if part(r.Chart(history(5), false), "image/png") != nil {
		t.Error("a live chart costs a picture")
	}
}

func TestFoldedTableKeepsBestRow(t *testing.T) {
	epochs := history(60).Epochs
	epochs[29].Valid[0].Value = 0.01
	text := string(part(render.New().Epochs(epochs), "text/plain"))
	if lines := strings.Count(text, "\n"); lines != 1+3+1+1+1+8 {
		t.Errorf("%d lines:\n%s", lines, text)
	}
	for _, want := range []string{"26 more", "22 more", "\n   30 ", "◂ best", "\n   60 "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
}

func TestChartEscapes(t *testing.T) {
	run := history(2)
	run.Info.Name, run.Info.State, run.Info.Note = evil, evil, evil
	run.Epochs[0].Train[1].Name, run.Epochs[1].Valid[1].Name = evil, evil
	r := render.New()
	for _, final := range []bool{true, false} {
		items := r.Chart(run, final)
		harmless(t, items)
		option(t, items)
	}
	harmless(t, r.Trainer(run.Info))
	harmless(t, r.Epochs(run.Epochs))
}

func BenchmarkChartLive(b *testing.B) {
	r, run := render.New(), history(200)
	for b.Loop() {
		b.ReportMetric(float64(len(part(r.Chart(run, false), "text/html"))), "html-bytes")
	}
}

func BenchmarkChartFinal(b *testing.B) {
	r, run := render.New(), history(200)
	for b.Loop() {
		b.ReportMetric(float64(len(part(r.Chart(run, true), "image/png"))), "png-bytes")
	}
}
