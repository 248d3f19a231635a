package render

import (
	"fmt"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// The limits of a grid: images, and pixels of the whole picture.
const (
	mostImages = 400
	mostPixels = 40 << 20
)

// Images returns a grid of images as one picture, each enlarged by a whole
// factor to about 64 pixels, with its title beneath. The tensor has the shape
// [N,H,W] or [N,H,W,1] for grey, [N,H,W,3] for red, green and blue. Titles may
// be fewer than images; with no columns given the grid fills the page.
//
// The values are taken as 0..1 when all lie there, as 0..255 when all lie there
// and one is beyond 127, and are else stretched from the least to the greatest.
// Pixels that are NaN or infinite are magenta.
func (r *Renderer) Images(x wire.Tensor, titles []string, columns int) ([]wire.Item, error) {
	if len(x.Shape) > 0 && x.Shape[0] > mostImages {
		return nil, fmt.Errorf("%d images are too many to look at: give at most %d", x.Shape[0], mostImages)
	}
	list, err := pixels(x)
	if err != nil {
		return nil, err
	}
	if len(titles) > len(list) {
		return nil, fmt.Errorf("%d titles for %d images: give one for each image, or fewer", len(titles), len(list))
	}
	const gap, size, line = 8 * sharp, 11, 17 * sharp
	side := enlarge(list[0], 64*sharp)
	w, h := list[0].Bounds().Dx()*side, list[0].Bounds().Dy()*side
	cell, row := w, h+gap
	measure := newCanvas(1, 1)
	for _, t := range titles {
		cell = max(cell, min(measure.measure(drawable(t), size), max(2*w, 90*sharp)))
	}
	if len(titles) > 0 {
		row += line
	}
	if columns <= 0 {
		columns = max(1, chartWidth*sharp/(cell+gap))
	}
	columns = min(columns, len(list))
	rows := (len(list) + columns - 1) / columns
	width, height := columns*(cell+gap)-gap, rows*row-gap
	if width*height > mostPixels {
		return nil, fmt.Errorf("%d images of %d×%d make a picture of %d×%d pixels: give fewer or smaller ones", len(list), w/side, h/side, width, height)
	}
	c := newCanvas(width, height)
	for i, m := range list {
		x, y := i%columns*(cell+gap), i/columns*row
		c.paste(m, x+(cell-w)/2, y, side)
		if i < len(titles) {
			c.text(c.fit(titles[i], size, cell), x+cell/2, y+h+line-4*sharp, 0.5, size, rgb(colorText, 1))
		}
	}
	picture := c.png()
	return bundle(frame(img(picture, width/sharp, height/sharp, gridText(x.Shape, titles))+"\n"), picture, gridText(x.Shape, titles)+"\n"), nil
}

// gridText says in words what a grid shows.
func gridText(shape []int, titles []string) string {
	s := fmt.Sprintf("%s of %d×%d", plural(shape[0], "image"), shape[1], shape[2])
	if len(titles) > 0 {
		s += ": " + plain(strings.Join(titles, ", "))
	}
	return s
}
