package render_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/display/render"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// floats makes a tensor; values repeat when there are too few.
func floats(shape []int, values ...float32) wire.Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	t := wire.Tensor{DType: "f32", Shape: shape}
	for i := range n {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(values[i%len(values)]))
	}
	return t
}

func ok(t *testing.T) func([]wire.Item, error) []wire.Item {
	return func(items []wire.Item, err error) []wire.Item {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return items
	}
}

func TestImagesGrid(t *testing.T) {
	items := ok(t)(render.New().Images(floats([]int{5, 8, 8}, 0, 1), []string{"zero", "one", "two"}, 2))
	m := picture(t, items)
	// An 8×8 image is 64 CSS pixels, so 128 real ones; the gap is 16, a title 34.
	if s := m.Bounds().Size(); s.X != 2*128+16 || s.Y != 3*(128+16+34)-16 {
		t.Errorf("the grid is %v", s)
	}
	if white, black := colored(m, 255, 255, 255), colored(m, 0, 0, 0); white != black || white != 5*128*64 {
		t.Errorf("%d white and %d black pixels, want %d", white, black, 5*128*64)
	}
	if grey := colored(m, 0x80, 0x80, 0x80); grey < 50 {
		t.Errorf("%d pixels of titles", grey)
	}
	golden(t, "images", items)
}

func TestImageValueRanges(t *testing.T) {
	for _, c := range []struct {
		name         string
		values       []float32
		white, black bool
		half         bool
	}{
		{"0..1 as it is", []float32{0, 0.5}, false, true, true},
		{"0..255 as it is", []float32{0, 128}, false, true, true},
		{"0..16 stretched", []float32{0, 16, 8}, true, true, true},
		{"negative stretched", []float32{-3, 1}, true, true, false},
		{"one value", []float32{5}, false, true, false},
		{"beyond 255 stretched", []float32{0, 300}, true, true, false},
	} {
		m := picture(t, ok(t)(render.New().Images(floats([]int{1, 6, 6}, c.values...), nil, 0)))
		got := []bool{colored(m, 255, 255, 255) > 0, colored(m, 0, 0, 0) > 0, colored(m, 128, 128, 128) > 0}
		if want := []bool{c.white, c.black, c.half}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: white, black, grey are %v, want %v", c.name, got, want)
		}
	}
}

func TestImagesOfColourAndBadPixels(t *testing.T) {
	r := render.New()
	red := picture(t, ok(t)(r.Images(floats([]int{2, 4, 4, 3}, 1, 0, 0), nil, 0)))
	if n := colored(red, 255, 0, 0); n != 2*128*128 {
		t.Errorf("%d red pixels", n)
	}
	bad := picture(t, ok(t)(r.Images(floats([]int{1, 2, 2, 1}, 0, float32(math.NaN()), 1, float32(math.Inf(1))), nil, 0)))
	if n := colored(bad, 255, 0, 200); n != 128*128/2 {
		t.Errorf("%d marked pixels, want half", n)
	}
	i32 := wire.Tensor{DType: "i32", Shape: []int{1, 1, 1}, Data: []byte{255, 0, 0, 0}}
	if n := colored(picture(t, ok(t)(r.Images(i32, nil, 0))), 255, 255, 255); n == 0 {
		t.Error("the integer 255 is not white")
	}
}

func TestImagesErrors(t *testing.T) {
	r := render.New()
	inFile := floats([]int{1, 2, 2}, 1)
	inFile.File = "tensor-1"
	short := floats([]int{1, 2, 2}, 1)
	short.Data = short.Data[:8]
	for want, x := range map[string]wire.Tensor{
		"want [N, height, width]": floats([]int{8, 8}, 0),
		"or 3 for red":            floats([]int{1, 8, 8, 2}, 0),
		"at most 400":             floats([]int{401, 1, 1}, 0),
		"give at least one":       {DType: "f32", Shape: []int{0, 8, 8}},
		"still in a file":         inFile,
		"16 bytes, and 8 came":    short,
		"too many pixels to look": {DType: "f32", Shape: []int{4, 4000, 4000}},
		"pixels: give fewer":      {DType: "i32", Shape: []int{400, 1, 6500}, Data: make([]byte, 4*400*6500)},
		"3 titles for 1 image":    floats([]int{1, 2, 2}, 0),
	} {
		_, err := r.Images(x, []string{"a", "b", "c"}[:3*min(1, strings.Count(want, "titles"))], 0)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("shape %v: error %v, want %q", x.Shape, err, want)
		}
	}
}

func TestConfusionGolden(t *testing.T) {
	items := ok(t)(render.New().Confusion([][]int{{10, 0, 0}, {0, 8, 2}, {0, 1, 9}}, []string{"setosa", "versicolor", "virginica"}))
	golden(t, "confusion", items)
	m := picture(t, items)
	if blue := colored(m, 0x8a, 0xb4, 0xdc); blue < 1000 {
		t.Errorf("%d pixels of the diagonal", blue)
	}
	for _, want := range []string{"90.0%", "81.8%", "80.0%", "88.9%"} {
		if !strings.Contains(string(part(items, "text/plain")), want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestConfusionWithEmptyClass(t *testing.T) {
	items := ok(t)(render.New().Confusion([][]int{{3, 0}, {0, 0}}, nil))
	if text := string(part(items, "text/plain")); strings.Count(text, "–") != 2 || strings.Contains(text, "NaN") {
		t.Errorf("a class without rows has no recall and no precision:\n%s", text)
	}
}

func TestConfusionErrors(t *testing.T) {
	for want, c := range map[string]struct {
		matrix  [][]int
		classes []string
	}{
		"without classes":                  {},
		"must be square":                   {[][]int{{1, 2}, {3}}, nil},
		"2 class names for a confusion":    {[][]int{{1}}, []string{"a", "b"}},
		"holds -1 in row 1, column 0":      {[][]int{{1, 0}, {-1, 1}}, nil},
		"row 0 of the confusion matrix ha": {[][]int{{1, 2, 3}, {1, 2, 3}}, nil},
	} {
		if _, err := render.New().Confusion(c.matrix, c.classes); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", c.matrix, err, want)
		}
	}
}

// three are a right, a wrong and an unknown prediction.
func three() []render.Prediction {
	image := floats([]int{8, 8, 1}, 0, 1)
	classes := []string{"cat", "dog", "fox", "hen", "owl", "pig"}
	return []render.Prediction{
		{Image: image, Title: "row 0", Classes: classes, Probs: []float64{0.9, 0.06, 0.04, 0, 0, 0}, Label: 0},
		{Image: image, Title: "row 1", Classes: classes, Probs: []float64{0.2, 0.3, 0.25, 0.15, 0.06, 0.04}, Label: 5},
		{Probs: []float64{0.5, math.NaN(), 0.5}, Label: -1},
	}
}

func TestPredictionsGolden(t *testing.T) {
	items := ok(t)(render.New().Predictions(three()))
	golden(t, "predictions", items)
	m := picture(t, items)
	if s := m.Bounds().Size(); s.X != 3*500+2*28 {
		t.Errorf("the picture is %v", s)
	}
	for name, n := range map[string]int{
		"green": colored(m, 0x2e, 0x9e, 0x5b), "blue": colored(m, 0x3b, 0x82, 0xc4), "red": colored(m, 0xd1, 0x49, 0x5b),
	} {
		if n < 100 {
			t.Errorf("%d %s pixels", n, name)
		}
	}
}

func TestPredictionsErrors(t *testing.T) {
	good := three()[0]
	change := func(f func(*render.Prediction)) []render.Prediction { p := good; f(&p); return []render.Prediction{p} }
	for want, list := range map[string][]render.Prediction{
		"at least one row":      nil,
		"at most 400":           make([]render.Prediction, 401),
		"no probabilities":      change(func(p *render.Prediction) { p.Probs = nil }),
		"2 class names for 6":   change(func(p *render.Prediction) { p.Classes = p.Classes[:2] }),
		"label 6 of 6 classes":  change(func(p *render.Prediction) { p.Label = 6 }),
		"prediction 0: images ": change(func(p *render.Prediction) { p.Image = floats([]int{8}, 1) }),
	} {
		if _, err := render.New().Predictions(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestPicturesEscape(t *testing.T) {
	r := render.New()
	harmless(t, ok(t)(r.Images(floats([]int{1, 2, 2}, 1), []string{evil}, 0)))
	harmless(t, ok(t)(r.Confusion([][]int{{1, 1}, {0, 1}}, []string{evil, evil})))
	p := three()[:1]
	p[0].Title, p[0].Classes = evil, []string{evil, evil, evil, evil, evil, evil}
	harmless(t, ok(t)(r.Predictions(p)))
}

func BenchmarkImages(b *testing.B) {
	x := floats([]int{30, 8, 8}, 0, 0.3, 0.9)
	for b.Loop() {
		if _, err := render.New().Images(x, nil, 10); err != nil {
			b.Fatal(err)
		}
	}
}
