package render_test

import (
	"bytes"
	"flag"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/metalnb/metalnb/display/render"
	"github.com/metalnb/metalnb/metalcore/wire"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// part returns the content of one MIME type, nil when the bundle lacks it.
func part(items []wire.Item, mime string) []byte {
	for _, it := range items {
		if it.Type == mime {
			return it.Data
		}
	}
	return nil
}

// The bytes of pictures and the shared style are no matter of golden files.
var (
	dataURI = regexp.MustCompile(`data:image/png;base64,[A-Za-z0-9+/=]+`)
	styles  = regexp.MustCompile(`(?s)<style>.*?</style>\n`)
)

// golden compares HTML and text of a bundle with the files of that name.
func golden(t *testing.T, name string, items []wire.Item) {
	t.Helper()
	page := dataURI.ReplaceAll(part(items, "text/html"), []byte("data:PNG"))
	page = styles.ReplaceAll(page, nil)
	same(t, name+".html", page)
	same(t, name+".txt", part(items, "text/plain"))
}

func same(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -rewrite writes it anew); got:\n%s", path, got)
	}
}

// picture decodes the PNG of a bundle.
func picture(t *testing.T, items []wire.Item) image.Image {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(part(items, "image/png")))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// colored counts the pixels that are near a colour.
func colored(m image.Image, r, g, b int) int {
	n := 0
	near := func(x uint32, want int) bool { d := int(x>>8) - want; return d > -12 && d < 12 }
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			if cr, cg, cb, ca := m.At(x, y).RGBA(); ca == 0xffff && near(cr, r) && near(cg, g) && near(cb, b) {
				n++
			}
		}
	}
	return n
}

// evil is a name that must never become markup or a control sequence.
const evil = "<script>alert(\"1\")</script>&'\x1b[31m"

// harmless fails when a bundle with the name evil lets it through.
func harmless(t *testing.T, items []wire.Item) {
	t.Helper()
	if page := part(items, "text/html"); bytes.Contains(page, []byte("<script>alert")) || bytes.Contains(page, []byte(`"1"`)) {
		t.Errorf("a name came through as markup:\n%s", page)
	}
	if !bytes.Contains(part(items, "text/html"), []byte("alert")) {
		t.Error("the name is missing")
	}
	if bytes.Contains(part(items, "text/plain"), []byte("\x1b")) {
		t.Error("a name can control the terminal")
	}
}

func TestEveryBundleHasTextAndHTML(t *testing.T) {
	r := render.New()
	for name, items := range map[string][]wire.Item{
		"library": r.Library(), "chart": r.Chart(history(2), true), "no epochs": r.Epochs(nil),
		"empty chart": r.Chart(wire.Run{}, true), "data": r.Data(wire.DataInfo{}),
		"trainer": r.Trainer(wire.TrainerInfo{}), "summary": r.Summary(wire.TrainerInfo{}, nil),
		"compare": r.Compare([]wire.Run{history(2), {}}), "nothing to compare": r.Compare([]wire.Run{{}}),
	} {
		if part(items, "text/html") == nil || part(items, "text/plain") == nil {
			t.Errorf("%s: HTML or text is missing", name)
		}
		for _, it := range items {
			if it.Text != (it.Type != "image/png") {
				t.Errorf("%s: %s has Text %v", name, it.Type, it.Text)
			}
		}
	}
}

// Trainers finish at the same time; their pictures must not meet.
func TestRendererIsSharedByGoroutines(t *testing.T) {
	r := render.New()
	want := part(r.Chart(history(3), true), "image/png")
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if got := part(r.Chart(history(3), true), "image/png"); !bytes.Equal(got, want) {
				t.Error("the picture differs")
			}
			if _, err := r.Predictions(three()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
