package nb_test

import (
	"fmt"
	picture "image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/nb"
)

// A table of text: the last column is learned, here three kinds of flowers.
func ExampleCSV() {
	flowers := nb.CSVWith("testdata/flowers.csv", nb.Table{Missing: nb.MissingSkip})
	info := flowers.Info()
	fmt.Println(info.Rows, info.XShape, info.Classes)
	fmt.Println(info.About)
	fmt.Println(flowers.X(0, 1))
	// Output:
	// 6 [4] [setosa versicolor virginica]
	// read from flowers.csv, without 1 rows in which something is missing
	// [[5.1 3.5 1.4 0.2]
	//  [4.9 3.  1.4 0.2]]
}

// A function makes the rows as training needs them.
func ExampleStream() {
	circles := nb.Stream("circles", 2000, func(yield func(x, y any) bool) {
		r := rand.New(rand.NewPCG(1, 2))
		for {
			a, b := r.Float32()*2-1, r.Float32()*2-1
			if !yield([]float32{a, b}, a*a+b*b < 0.6) {
				return
			}
		}
	}, "outside", "inside")
	model := nb.Input(2).Dense(32).ReLU().Dense(32).ReLU().Dense(2)
	t := nb.NewTrainer("circles", model, nb.Config{Data: circles, Optimizer: nb.Adam{LR: 0.01}})
	defer t.Drop()
	t.Start(10)
	for t.Running() {
	}
	fmt.Println("good:", t.Evaluate(circles)["accuracy"] > 0.95)
	// Output: good: true
}

// colours is a folder of pictures, red and blue, and a file that is none.
func colours(t *testing.T, broken bool) string {
	t.Helper()
	root := t.TempDir()
	for i := range 40 {
		c, class := color.RGBA{R: uint8(100 + i), A: 255}, "red"
		if i%2 == 1 {
			c, class = color.RGBA{B: uint8(100 + i), A: 255}, "blue"
		}
		img := picture.NewRGBA(picture.Rect(0, 0, 6, 4))
		for at := range 24 {
			img.Set(at%6, at/6, c)
		}
		path := filepath.Join(root, class, fmt.Sprintf("%02d.png", i))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, img); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if broken {
		if err := os.WriteFile(filepath.Join(root, "red", "none.png"), []byte("nothing"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestImagesAreLearned(t *testing.T) {
	for _, lazy := range []bool{false, true} {
		data := nb.ImagesWith(colours(t, true), nb.Pictures{Height: 4, Width: 6, Skip: true, Lazy: lazy})
		model := nb.Input(4, 6, 3).Mul(1.0 / 255).Flatten().Dense(2)
		tr := nb.NewTrainer(fmt.Sprint("colours", lazy), model, nb.Config{Data: data, Valid: data, Batch: 7, Optimizer: nb.Adam{LR: 0.05}, Seed: 1})
		tr.Fit(20)
		if a := tr.Evaluate(data)["accuracy"]; a < 0.99 {
			t.Errorf("lazy %v: the accuracy is %v", lazy, a)
		}
		if i := data.Info(); i.Skipped != 1 || !strings.Contains(i.String(), ", 1 left out as faulty") {
			t.Errorf("lazy %v: %v", lazy, i)
		}
		if x := data.X(1, 0); x.Shape()[0] != 2 { // rows of a lazy set are read
			t.Errorf("lazy %v: two rows are %v", lazy, x)
		}
		tr.Drop()
	}
}

// Two ways to read a file are two sets, and a file that changed is read again.
func TestFilesAreReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a,b,c\n1,2,3\n4,5,6\n")
	ab, ca := nb.CSVWith(path, nb.Table{Numbers: true}), nb.CSVWith(path, nb.Table{Label: "a", Columns: []string{"c"}, Numbers: true})
	if got := fmt.Sprint(ab.X(), ca.X(), ab.Y(), ca.Y()); got != "[[1. 2.]\n [4. 5.]] [[3.]\n [6.]] [3. 6.] [1. 4.]" {
		t.Errorf("got %s", got)
	}
	write("a,b,c\n1,2,3\n4,5,6\n7,8,9\n")
	if n := nb.CSVWith(path, nb.Table{Numbers: true}).Len(); n != 3 {
		t.Errorf("after a change there are %d rows", n)
	}
}

func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "t.csv")
	if err := os.WriteFile(path, []byte("a,b\n1,2\nx,3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		do   func()
		want string
	}{
		{func() { nb.CSV(path).Len() }, `t.csv, line 3, column "a" holds "x", which is no number`},
		{func() { nb.CSV("nowhere.csv").Len() }, "a path that begins with no / is looked for beside the notebook"},
		{func() { nb.CSV("").Len() }, "csv: a path is empty"},
		{func() { nb.NumPy(path, path).Len() }, "t.csv: this is no .npy file"},
		{func() { nb.NPZ(path, "x", "y").Len() }, "zip: not a valid zip file"},
		{func() { nb.IDX(path, path).Len() }, "t.csv: this is no idx file"},
		{func() { nb.Parquet(path).Len() }, "t.csv: "},
		{func() { nb.Images(dir).Len() }, "has no images: each class has a folder of its own"},
		{func() { nb.Stream("", 3, nil) }, "a stream needs a name"},
		{func() { nb.Stream("s", 3, func(func(x, y any) bool) {}).Len() }, `the function of stream "s" makes no rows`},
		{func() { nb.Stream("s", 3, func(yield func(x, y any) bool) { yield("a", 1) }).Len() }, `stream "s", row 0: x: elements of type string`},
	}
	for _, c := range cases {
		err := nb.Try(c.do)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "files_test.go:") {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// Training goes on with the rows that a slow function has made.
func TestStreamThatIsSlow(t *testing.T) {
	rest := make(chan struct{})
	defer close(rest)
	rows := nb.Stream("slow", 100_000, func(yield func(x, y any) bool) {
		for i := 0; yield([]float32{float32(i%7) / 7, float32(i%5) / 5}, i%2); i++ {
			if i == 1000 {
				<-rest
			}
		}
	}, "even", "odd")
	h := nb.NewTrainer("slow", nb.Input(2).Dense(2), nb.Config{Data: rows})
	defer h.Drop()
	h.Start(1)
	defer h.Stop()
	for deadline := time.Now().Add(time.Minute); h.Steps() < 24; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d steps of 24, %s", h.Steps(), h.State())
		}
	}
}

// What is wrong with a row of a stream is said when training needs the row.
func TestStreamErrors(t *testing.T) {
	short := nb.Stream("short", 100, func(yield func(x, y any) bool) {
		for i := range 40 {
			if !yield([]float32{float32(i)}, float32(i)) {
				return
			}
		}
	})
	ragged := nb.Stream("ragged", 100, func(yield func(x, y any) bool) {
		for i := 0; yield(make([]float32, 1+i/50), float32(i)); i++ {
		}
	})
	labels := nb.Stream("labels", 100, func(yield func(x, y any) bool) {
		for i := 0; yield([]float32{1}, i%3); i++ {
		}
	}, "a", "b")
	for data, want := range map[*nb.Dataset]string{
		short:  `data "short", row 40: the function ended after 40 rows, and 100 were declared`,
		ragged: `data "ragged", row 50: x is f32[2] and y is f32[], and in the first row f32[1] and f32[]`,
		labels: `data "labels", row 2: the label 2: the 2 classes are numbered 0 to 1`,
	} {
		out := 1
		if data == labels {
			out = 2
		}
		tr := nb.NewTrainer("errors", nb.Input(1).Dense(out), nb.Config{Data: data})
		if err := nb.Try(func() { tr.Fit(1) }); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		tr.Drop()
	}
}
