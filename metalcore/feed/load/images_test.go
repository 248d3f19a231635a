package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folderOf writes images into class folders.
func folderOf(t *testing.T, files map[string][]byte) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func asPNG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func uniform(h, w int, c color.Color) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range h * w {
		img.Set(i%w, i/w, c)
	}
	return img
}

func TestImages(t *testing.T) {
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, uniform(4, 6, color.RGBA{200, 100, 50, 255}), &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	root := folderOf(t, map[string][]byte{
		"dog/b.PNG": asPNG(t, uniform(4, 6, color.RGBA{10, 20, 30, 255})), "dog/a.jpg": photo.Bytes(), "dog/notes.txt": []byte("no image"),
		"cat/x/c.png": asPNG(t, uniform(4, 6, color.NRGBA{255, 255, 255, 0})), ".hidden/d.png": nil})
	s := Spec{Format: Images, Paths: []string{root}}
	for _, lazy := range []bool{false, true} {
		s.Lazy = lazy
		set, err := loaded(t, s).Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if set.X.String() != "u8[3,4,6,3]" || fmt.Sprint(set.Y.I32s(), set.Classes) != "[0 1 1] [cat dog]" {
			t.Fatalf("got %v %v %v", set.X, set.Y.I32s(), set.Classes)
		}
		for i, want := range [][]float64{{0, 0, 0}, {200, 100, 50}, {10, 20, 30}} { // what is transparent is black
			for at, x := range set.X.Row(i).Numbers() {
				if math.Abs(x-want[at%3]) > 2 {
					t.Errorf("image %d has %v at %d, want %v", i, x, at, want[at%3])
				}
			}
		}
	}
	s.Lazy, s.Images = false, Pictures{Height: 2, Width: 5, Gray: true}
	set := loaded(t, s)
	if set.X.String() != "u8[3,2,5,1]" {
		t.Errorf("got %v", set.X)
	}
	for _, x := range set.X.Row(1).Numbers() {
		if want := 0.299*200 + 0.587*100 + 0.114*50; math.Abs(x-want) > 2 {
			t.Errorf("grey is %v, want %v", x, want)
		}
	}
}

// Scaling is held against Pillow's bicubic filter, which is the same function;
// both round, Pillow twice.
func TestScaledLikePillow(t *testing.T) {
	original, err := os.ReadFile(data("picture.png"))
	if err != nil {
		t.Fatal(err)
	}
	root := folderOf(t, map[string][]byte{"a/picture.png": original})
	for _, size := range [][2]int{{12, 16}, {31, 20}, {96, 128}} {
		set := loaded(t, Spec{Format: Images, Paths: []string{root}, Images: Pictures{Height: size[0], Width: size[1]}})
		f, err := os.Open(data(fmt.Sprintf("picture_%dx%d.png", size[0], size[1])))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		want, err := png.Decode(f)
		if err != nil {
			t.Fatal(err)
		}
		sum, worst := 0.0, 0.0
		for i, x := range set.X.Numbers() {
			r, g, b, _ := want.At(i/3%size[1], i/3/size[1]).RGBA()
			d := math.Abs(x - float64([]uint32{r, g, b}[i%3]>>8))
			sum, worst = sum+d, max(worst, d)
		}
		if mean := sum / float64(set.X.Shape.Elems()); mean > 0.6 || worst > 3 {
			t.Errorf("%v: the mean distance is %.3f, the largest %v", size, mean, worst)
		}
	}
}

func TestImageFaults(t *testing.T) {
	good := asPNG(t, uniform(4, 6, color.White))
	cases := []struct {
		files map[string][]byte
		want  string
	}{
		{map[string][]byte{"a.png": good}, "has no images: each class has a folder"},
		{map[string][]byte{"a/1.png": good, "a/2.png": asPNG(t, uniform(4, 5, color.White))}, "a/2.png has 4 x 5 pixels, and the first image 4 x 6"},
		{map[string][]byte{"a/1.png": good, "b/2.png": good[:len(good)-30]}, "row 1: b/2.png: "},
		{map[string][]byte{"a/1.png": []byte("GIF89a")}, "a/1.png: this is neither PNG nor JPEG"},
		{map[string][]byte{"a/1.png": hugePNG(60000, 60000)}, "an image of 60000 x 60000 pixels"},
	}
	for _, c := range cases {
		s := Spec{Format: Images, Paths: []string{folderOf(t, c.files)}}
		if _, err := Load(t.Context(), "set", s, Room{Memory: 1 << 30}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	s := Spec{Format: Images, Paths: []string{folderOf(t, cases[2].files)}, Skip: true}
	if set := loaded(t, s); set.Len() != 1 || set.Faults() != 1 {
		t.Errorf("%d rows, and %d were skipped", set.Len(), set.Faults())
	}
}

// hugePNG is a file of a few bytes that says that it is a large image.
func hugePNG(h, w uint32) []byte {
	chunk := []byte("IHDR")
	chunk = binary.BigEndian.AppendUint32(chunk, w)
	chunk = binary.BigEndian.AppendUint32(chunk, h)
	chunk = append(chunk, 8, 2, 0, 0, 0)
	out := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), 13)
	out = append(out, chunk...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
}
