package load

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"image"
	"io"

	"golang.org/x/image/draw"
)

// orientation says how a JPEG lies, 1 to 8, as its camera has noted: the tag 0x0112
// of Exif, which is a TIFF in the segment APP1. It is 1, upright, without one.
func orientation(r io.Reader) int {
	const (
		startOfImage, startOfScan, app1 = 0xd8, 0xda, 0xe1

		exif = "Exif\x00\x00"
	)
	in := bufio.NewReader(r)
	var head [4]byte // 0xff, the marker, and the length with itself
	if _, err := io.ReadFull(in, head[:2]); err != nil || head[0] != 0xff || head[1] != startOfImage {
		return 1
	}
	for {
		_, err := io.ReadFull(in, head[:])
		length := int(binary.BigEndian.Uint16(head[2:])) - 2
		if err != nil || head[0] != 0xff || head[1] == startOfScan || length < 0 {
			return 1
		}
		segment := make([]byte, length)
		if _, err := io.ReadFull(in, segment); err != nil {
			return 1
		}
		if tiff, ok := bytes.CutPrefix(segment, []byte(exif)); ok && head[1] == app1 {
			return orientationOf(tiff)
		}
	}
}

// orientationOf looks through the first directory of a TIFF.
func orientationOf(tiff []byte) int {
	const tag, short, entry = 0x0112, 3, 12
	var order binary.ByteOrder = binary.BigEndian
	if bytes.HasPrefix(tiff, []byte("II")) {
		order = binary.LittleEndian
	}
	if len(tiff) < 8 || uint64(order.Uint32(tiff[4:]))+2 > uint64(len(tiff)) {
		return 1
	}
	list := tiff[order.Uint32(tiff[4:]):]
	n := order.Uint16(list)
	for list = list[2:]; n > 0 && len(list) >= entry; n, list = n-1, list[entry:] {
		if v := order.Uint16(list[8:]); order.Uint16(list) == tag && order.Uint16(list[2:]) == short && v >= 1 && v <= 8 {
			return int(v)
		}
	}
	return 1
}

// lies reports whether an image of that orientation lies on its side.
func lies(orientation int) bool { return orientation > 4 }

// upright turns and mirrors an image so that it stands as it was seen.
func upright(img image.Image, orientation int) image.Image {
	if orientation == 1 {
		return img
	}
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	from := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(from, from.Bounds(), img, b.Min, draw.Src)
	to := image.NewRGBA(from.Bounds())
	if lies(orientation) {
		to = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range to.Rect.Dy() {
		for x := range to.Rect.Dx() {
			u, v := x, y
			if lies(orientation) {
				u, v = y, x
			}
			switch orientation {
			case 2, 3, 7, 8:
				u = w - 1 - u
			}
			switch orientation {
			case 3, 4, 6, 7:
				v = h - 1 - v
			}
			copy(to.Pix[to.PixOffset(x, y):][:4], from.Pix[from.PixOffset(u, v):])
		}
	}
	return to
}
