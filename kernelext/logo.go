package kernelext

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
)

// The logo is a falling loss curve with its last point lit, on a dark tile. Both forms draw the same points, in a square of
// 64 units.
const logoSVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
<rect x="2" y="2" width="60" height="60" rx="13" fill="#16202c"/>
<path d="M12 14 L20 33 L28 27 L36 42 L44 39 L51 48" fill="none" stroke="#35c4e0" stroke-width="5" stroke-linecap="round" stroke-linejoin="round"/>
<circle cx="51" cy="48" r="6" fill="#ffb454"/>
</svg>
`

var logoCurve = [][2]float64{{12, 14}, {20, 33}, {28, 27}, {36, 42}, {44, 39}, {51, 48}}

// logoPNG draws the logo with smooth edges: each shape covers a pixel by its distance from it.
func logoPNG(size int) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	unit := 64 / float64(size)
	for y := range size {
		for x := range size {
			px, py := (float64(x)+.5)*unit, (float64(y)+.5)*unit
			cover := func(distance float64) float64 { return min(1, max(0, .5-distance/unit)) }
			curve := math.Inf(1)
			for i := 1; i < len(logoCurve); i++ {
				curve = min(curve, segmentDistance(px, py, logoCurve[i-1], logoCurve[i])-2.5)
			}
			last := logoCurve[len(logoCurve)-1]
			dot := math.Hypot(px-last[0], py-last[1]) - 6
			c := blend(color.NRGBA{0x16, 0x20, 0x2c, 255}, color.NRGBA{0x35, 0xc4, 0xe0, 255}, cover(curve))
			c = blend(c, color.NRGBA{0xff, 0xb4, 0x54, 255}, cover(dot))
			c.A = uint8(255 * cover(tileDistance(px, py)))
			img.SetNRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // a buffer takes everything, and the picture is not empty
	}
	return b.Bytes()
}

func tileDistance(x, y float64) float64 {
	const half, radius = 30, 13
	dx, dy := math.Abs(x-32)-half+radius, math.Abs(y-32)-half+radius
	return math.Hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - radius
}

func segmentDistance(x, y float64, a, b [2]float64) float64 {
	dx, dy := b[0]-a[0], b[1]-a[1]
	t := min(1, max(0, ((x-a[0])*dx+(y-a[1])*dy)/(dx*dx+dy*dy)))
	return math.Hypot(x-a[0]-t*dx, y-a[1]-t*dy)
}

func blend(under, over color.NRGBA, t float64) color.NRGBA {
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a)*(1-t) + float64(b)*t)) }
	return color.NRGBA{mix(under.R, over.R), mix(under.G, over.G), mix(under.B, over.B), 255}
}
