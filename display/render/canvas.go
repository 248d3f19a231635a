package render

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"sort"
	"sync"

	"github.com/golang/freetype/truetype"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/math/fixed"
)

// canvas is a picture under way, in real pixels. What nothing is drawn on stays
// transparent, so that it fits a light and a dark page.
type canvas struct {
	*image.NRGBA
	faces map[float64]font.Face
}

func newCanvas(width, height int) *canvas {
	return &canvas{NRGBA: image.NewNRGBA(image.Rect(0, 0, width, height)), faces: map[float64]font.Face{}}
}

// fonts are parsed once. The Go fonts have Latin, Greek and Cyrillic letters.
var fonts = sync.OnceValue(func() [2]*truetype.Font {
	var out [2]*truetype.Font
	for i, ttf := range [][]byte{goregular.TTF, gobold.TTF} {
		f, err := truetype.Parse(ttf)
		if err != nil {
			panic(err) // the font is part of the program
		}
		out[i] = f
	}
	return out
})

// face returns the font at a size in CSS pixels; a negative size is bold.
func (c *canvas) face(size float64) font.Face {
	if f := c.faces[size]; f != nil {
		return f
	}
	which, pixels := fonts()[0], size*sharp
	if size < 0 {
		which, pixels = fonts()[1], -pixels
	}
	f := truetype.NewFace(which, &truetype.Options{Size: pixels, DPI: 72, Hinting: font.HintingFull})
	c.faces[size] = f
	return f
}

// measure is the width of a text.
func (c *canvas) measure(s string, size float64) int {
	return font.MeasureString(c.face(size), s).Ceil()
}

// mostDrawn is how many characters of a text are looked at: no picture is as wide.
const mostDrawn = 400

// drawable is what of a text might be drawn.
func drawable(s string) string {
	if runes := []rune(s); len(runes) > mostDrawn {
		s = string(runes[:mostDrawn])
	}
	return plain(s)
}

// fit cuts a text that is wider than width.
func (c *canvas) fit(s string, size float64, width int) string {
	s = drawable(s)
	if c.measure(s, size) <= width {
		return s
	}
	runes := []rune(s)
	wide := sort.Search(len(runes), func(n int) bool { return c.measure(string(runes[:n+1])+"…", size) > width })
	return string(runes[:wide]) + "…"
}

// text draws at the baseline; align is 0 for left, 0.5 for centred, 1 for right.
func (c *canvas) text(s string, x, y int, align, size float64, ink color.Color) {
	x -= int(align * float64(c.measure(s, size)))
	d := font.Drawer{Dst: c, Src: image.NewUniform(ink), Face: c.face(size), Dot: fixed.P(x, y)}
	d.DrawString(s)
}

// fill paints a rectangle.
func (c *canvas) fill(x, y, width, height int, ink color.Color) {
	draw.Draw(c, image.Rect(x, y, x+width, y+height), image.NewUniform(ink), image.Point{}, draw.Over)
}

// paste copies a picture, each pixel as a square of side times side.
func (c *canvas) paste(src image.Image, x, y, side int) {
	b := src.Bounds()
	for j := range b.Dy() {
		for i := range b.Dx() {
			at := image.Rect(x+i*side, y+j*side, x+(i+1)*side, y+(j+1)*side)
			draw.Draw(c, at, image.NewUniform(src.At(b.Min.X+i, b.Min.Y+j)), image.Point{}, draw.Src)
		}
	}
}

// png returns the picture's file.
func (c *canvas) png() []byte { return encode(c.NRGBA) }

// encode writes a picture to memory, which cannot fail.
func encode(m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// rgb reads one of this package's colours, "#rrggbb", with an opacity.
func rgb(hex string, alpha float64) color.NRGBA {
	digit := func(i int) uint8 {
		if hex[i] <= '9' {
			return hex[i] - '0'
		}
		return hex[i] - 'a' + 10
	}
	at := func(i int) uint8 { return digit(i)<<4 | digit(i+1) }
	return color.NRGBA{at(1), at(3), at(5), uint8(alpha*255 + 0.5)}
}

// onWhite is what a colour looks like on white paper: black text on it reads on
// any page.
func onWhite(c color.NRGBA) color.NRGBA {
	mix := func(v uint8) uint8 { return uint8(255 - (255-int(v))*int(c.A)/255) }
	return color.NRGBA{mix(c.R), mix(c.G), mix(c.B), 255}
}
