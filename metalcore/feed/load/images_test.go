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

// oriented is a JPEG that says in Exif how it lies, in the one byte order or the
// other.
func oriented(t *testing.T, img image.Image, orientation uint16, order binary.AppendByteOrder) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	tiff := order.AppendUint16([]byte(map[bool]string{true: "MM", false: "II"}[order == binary.BigEndian]), 42)
	tiff = order.AppendUint32(tiff, 10)
	tiff = append(tiff, 0, 0) // the directory begins behind them
	tiff = order.AppendUint16(tiff, 2)
	for _, entry := range [][2]uint16{{0x0100, 999}, {0x0112, orientation}} { // the width, which is wrong, and how it lies
		tiff = order.AppendUint16(tiff, entry[0])
		tiff = order.AppendUint16(tiff, 3)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, entry[1])
		tiff = order.AppendUint16(tiff, 0)
	}
	segment := func(marker byte, content string) string {
		return string(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(content)+2))) + content
	}
	plain := b.String()
	return []byte(plain[:2] + segment(0xfe, "a comment") + segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00") + segment(0xe1, "Exif\x00\x00"+string(tiff)) + plain[2:])
}

// A picture is the same in whatever orientation its camera has put it in the file.
// The table is that of the standard, Exif 2.32: which side of the picture the first
// row and the first column of the file are.
func TestOrientations(t *testing.T) {
	sides := map[uint16][2]string{1: {"top", "left"}, 2: {"top", "right"}, 3: {"bottom", "right"}, 4: {"bottom", "left"},
		5: {"left", "top"}, 6: {"right", "top"}, 7: {"right", "bottom"}, 8: {"left", "bottom"}}
	const h, w = 16, 32 // whole blocks
	seen := func(x, y int) color.RGBA { return color.RGBA{uint8(40 + 120*(x/16)), uint8(40 + 120*(y/8)), 90, 255} }
	files := map[string][]byte{}
	for orientation, side := range sides {
		stored := image.NewRGBA(image.Rect(0, 0, w, h))
		if side[0] == "left" || side[0] == "right" {
			stored = image.NewRGBA(image.Rect(0, 0, h, w))
		}
		for row := range stored.Rect.Dy() {
			for col := range stored.Rect.Dx() {
				at := map[string]int{"top": -1, "left": -1}
				for i, n := range []int{row, col} { // rows and columns count from their sides
					switch side[i] {
					case "top":
						at["top"] = n
					case "bottom":
						at["top"] = h - 1 - n
					case "left":
						at["left"] = n
					case "right":
						at["left"] = w - 1 - n
					}
				}
				stored.Set(col, row, seen(at["left"], at["top"]))
			}
		}
		files[fmt.Sprintf("a/%d.jpg", 2*orientation)] = oriented(t, stored, orientation, binary.BigEndian)
		files[fmt.Sprintf("a/%d.jpg", 2*orientation+1)] = oriented(t, stored, orientation, binary.LittleEndian)
	}
	for _, gray := range []bool{false, true} {
		set := loaded(t, Spec{Format: Images, Paths: []string{folderOf(t, files)}, Images: Pictures{Gray: gray}})
		if set.Len() != 16 || set.XShape()[0] != h || set.XShape()[1] != w {
			t.Fatalf("got %v", set.X)
		}
		for i := range set.Len() {
			for at, got := range set.X.Row(i).Numbers() {
				n := at / set.XShape()[2]
				c := seen(n%w, n/w)
				want := []float64{float64(c.R), float64(c.G), float64(c.B)}[at%set.XShape()[2]]
				if gray {
					want = 0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B)
				}
				if math.Abs(got-want) > 5 {
					t.Fatalf("file %d: at %d it is %v, want %v", i, at, got, want)
				}
			}
		}
	}
	if n := orientation(strings.NewReader("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\xff\xff\xff\xff")); n != 1 {
		t.Errorf("a directory that is nowhere says %d", n)
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
		{map[string][]byte{"a/1.png": good, "b/2.png": good[:len(good)-30]}, "row 1: b/2.png: png: invalid format: not enough pixel data: mend the file, or set Skip to leave such ones out"},
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
