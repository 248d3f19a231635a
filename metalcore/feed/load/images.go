package load

import (
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // formats that are read
	_ "image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/image/draw"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// Pictures says what images become: u8 [Height, Width, 3], or 1 channel of Gray.
type Pictures struct {
	Height, Width int // those of the first image when 0
	Gray          bool
}

// Bounds of an image file, which is held in memory as it is decoded.
const (
	mostPixels     = 1 << 26
	mostImageBytes = 1 << 28
)

// folder is a Source of images: one folder for each class.
type folder struct {
	Pictures
	files []string
	exact bool // no size was given: all images must have that of the first one
}

// readImages finds the images of a folder: the classes are its folders, in the
// order of their names, and so are the images of each.
func readImages(in *reading, name string, s *Spec) (*feed.Set, error) {
	root := s.Paths[0]
	src := &folder{Pictures: s.Images}
	var labels []int32
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var classes []string
	for _, entry := range entries {
		if !entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		files, err := imagesBelow(in.ctx, filepath.Join(root, entry.Name()))
		if err != nil {
			return nil, err
		}
		for range files {
			labels = append(labels, int32(len(classes)))
		}
		src.files = append(src.files, files...)
		classes = append(classes, entry.Name())
	}
	if len(src.files) == 0 {
		return nil, fmt.Errorf("%s has no images: each class has a folder of its own in it, with files .png, .jpg or .jpeg", base(root))
	}
	if err := src.size(s.Skip); err != nil {
		return nil, err
	}
	if len(s.Classes) > 0 {
		return nil, fmt.Errorf("the classes are the names of the folders: %s", some(classes))
	}
	x := feed.Array{DType: ir.U8, Shape: ir.Shape{len(src.files), src.Height, src.Width, src.channels()}}
	if err := in.inMemory().within("one image", int64(x.RowShape().Elems()), 1); err != nil {
		return nil, err
	}
	set, err := feed.NewSourced(name, src, x, feed.FromI32(labels, len(labels)), classes)
	if err != nil {
		return nil, err
	}
	set.Skip, set.About = s.Skip, about(s)
	return set, nil
}

// imagesBelow lists the image files of a folder and those in it.
func imagesBelow(ctx context.Context, dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if slices.Contains([]string{".png", ".jpg", ".jpeg"}, strings.ToLower(filepath.Ext(path))) && d.Type().IsRegular() {
			files = append(files, path)
		}
		return ctx.Err()
	})
	return files, err
}

func (f *folder) channels() int {
	if f.Gray {
		return 1
	}
	return 3
}

// size takes the size of the first image that has one, unless one was given.
func (f *folder) size(skip bool) error {
	if f.Height < 0 || f.Width < 0 || (f.Height == 0) != (f.Width == 0) || f.Height > mostPixels || f.Width > mostPixels || f.Height*f.Width > mostPixels {
		return fmt.Errorf("images of %d x %d pixels: give height and width, or neither for the size of the first image", f.Height, f.Width)
	}
	if f.Height > 0 {
		return nil
	}
	f.exact = true
	for _, path := range f.files {
		err := withImage(path, func(r io.ReadSeeker, c image.Config, _ int) error {
			f.Height, f.Width = c.Height, c.Width
			return nil
		})
		if err == nil || !skip {
			return err
		}
	}
	return errors.New("no image can be read")
}

// Read decodes image i and stands it upright. Where sizes were given it is brought to them by bicubic
// interpolation, and shrunk as the mean over what comes together.
func (f *folder) Read(_ context.Context, i int, x, _ []byte) error {
	return withImage(f.files[i], func(r io.ReadSeeker, _ image.Config, orientation int) error {
		img, _, err := image.Decode(r)
		if err != nil {
			return unreadable(f.files[i], err)
		}
		return f.put(upright(img, orientation), x, f.files[i])
	})
}

// withImage opens an image whose size is in bounds. It passes on what that is when
// the image is upright, and how it lies in the file.
func withImage(path string, do func(r io.ReadSeeker, c image.Config, orientation int) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > mostImageBytes {
		return fmt.Errorf("%s: a file of %d bytes, and %d are allowed", inFolder(path), info.Size(), mostImageBytes)
	}
	c, err := checkImage(file)
	if err != nil {
		return unreadable(path, err)
	}
	lie := orientation(file)
	if lies(lie) {
		c.Width, c.Height = c.Height, c.Width
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return do(file, c, lie)
}

// checkImage reads the size of an image and goes back to its beginning.
func checkImage(r io.ReadSeeker) (image.Config, error) {
	c, _, err := image.DecodeConfig(r)
	switch {
	case errors.Is(err, image.ErrFormat):
		return c, errors.New("this is neither PNG nor JPEG")
	case err != nil:
		return c, err
	case c.Width < 1 || c.Height < 1 || int64(c.Width)*int64(c.Height) > mostPixels:
		return c, fmt.Errorf("an image of %d x %d pixels, and %d pixels are allowed", c.Height, c.Width, mostPixels)
	}
	_, err = r.Seek(0, io.SeekStart)
	return c, err
}

// inFolder is how errors call an image: by its class and name.
func inFolder(path string) string {
	return filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path))
}

func unreadable(path string, err error) error {
	return fmt.Errorf("%s: %w: mend the file, or set Skip to leave such ones out", inFolder(path), err)
}

// put writes an image to its row. What is transparent becomes black.
func (f *folder) put(img image.Image, x []byte, path string) error {
	b := img.Bounds()
	same := b.Dy() == f.Height && b.Dx() == f.Width
	if !same && f.exact {
		return fmt.Errorf("%s has %d x %d pixels, and the first image %d x %d: give a height and a width for all", inFolder(path), b.Dy(), b.Dx(), f.Height, f.Width)
	}
	if grey, ok := img.(*image.Gray); ok && f.Gray && same {
		for y := range f.Height {
			copy(x[y*f.Width:(y+1)*f.Width], grey.Pix[y*grey.Stride:])
		}
		return nil
	}
	out := image.NewRGBA(image.Rect(0, 0, f.Width, f.Height))
	if same {
		draw.Draw(out, out.Bounds(), img, b.Min, draw.Src)
	} else {
		draw.CatmullRom.Scale(out, out.Bounds(), img, b, draw.Src, nil)
	}
	for i := range f.Height * f.Width {
		r, g, b := out.Pix[4*i], out.Pix[4*i+1], out.Pix[4*i+2]
		if f.Gray { // ITU-R BT.601
			x[i] = byte((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
			continue
		}
		x[3*i], x[3*i+1], x[3*i+2] = r, g, b
	}
	return nil
}
