package render

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// noNumber is the colour of a pixel that is NaN or infinite.
var noNumber = color.NRGBA{255, 0, 200, 255}

// pixels reads images out of a tensor of shape [N,H,W] or [N,H,W,1|3].
func pixels(x wire.Tensor) ([]*image.NRGBA, error) {
	s := x.Shape
	ok := len(s) == 3 || len(s) == 4 && (s[3] == 1 || s[3] == 3)
	if !ok {
		return nil, fmt.Errorf("images of shape %v: want [N, height, width], or [N, height, width, 1] for grey or 3 for red, green and blue; reshape them", s)
	}
	n, h, w, c := s[0], s[1], s[2], 1
	if len(s) == 4 {
		c = s[3]
	}
	if float64(n)*float64(h)*float64(w) > mostPixels {
		return nil, fmt.Errorf("%d images of %d×%d are too many pixels to look at: give fewer or smaller ones", n, h, w)
	}
	values, err := numbers(x)
	if err != nil {
		return nil, err
	}
	if n*h*w == 0 {
		return nil, fmt.Errorf("images of shape %v have no pixel; give at least one", s)
	}
	low, high := valueRange(values)
	out := make([]*image.NRGBA, n)
	for i := range out {
		out[i] = image.NewNRGBA(image.Rect(0, 0, w, h))
		for j := range h * w {
			at := values[(i*h*w+j)*c:][:c]
			out[i].SetNRGBA(j%w, j/w, pixel(at, low, high))
		}
	}
	return out, nil
}

// numbers reads the elements of a tensor.
func numbers(x wire.Tensor) ([]float64, error) {
	if x.File != "" {
		return nil, errors.New("the tensor's numbers are still in a file; import it first")
	}
	if err := x.Check(); err != nil {
		return nil, err
	}
	return x.Numbers()
}

// valueRange decides what is black and what is white: 0..1 when all values lie
// there, 0..255 when all lie there and one is beyond 127, else from the least
// to the greatest value.
func valueRange(values []float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	switch {
	case low >= 0 && high <= 1:
		return 0, 1
	case low >= 0 && high > 127 && high <= 255:
		return 0, 255
	case low >= high:
		return low, low + 1
	}
	return low, high
}

// pixel turns one or three values into a colour.
func pixel(at []float64, low, high float64) color.NRGBA {
	var level [3]uint8
	for k := range level {
		v := at[min(k, len(at)-1)]
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return noNumber
		}
		level[k] = uint8((v-low)/(high-low)*255 + 0.5)
	}
	return color.NRGBA{level[0], level[1], level[2], 255}
}

// enlarge is the factor that makes the longer side of an image about want real
// pixels.
func enlarge(m image.Image, want int) int {
	return max(1, int(math.Round(float64(want)/float64(max(m.Bounds().Dx(), m.Bounds().Dy())))))
}
