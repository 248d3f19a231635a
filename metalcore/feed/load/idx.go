package load

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// readIDX reads images and labels as the files of MNIST have them.
func readIDX(in *reading, name string, s *Spec) (*feed.Set, error) {
	x, err := fileIDX(in, s.Paths[0])
	if err != nil {
		return nil, err
	}
	y, err := fileIDX(in.inMemory(), s.Paths[1])
	if err != nil {
		return nil, err
	}
	if len(x.Shape) == 3 { // grey images
		x.Shape = append(x.Shape, 1)
	}
	return pair(name, s, x, y.Array)
}

func fileIDX(in *reading, path string) (a rows, err error) {
	f, err := open(path)
	if err != nil {
		return a, err
	}
	defer f.Close()
	a, err = arrayIDX(in, f)
	if err != nil {
		err = fmt.Errorf("%s: %w", base(path), err)
	}
	return a, err
}

// arrayIDX reads two zeros, the type, the number of axes, their sizes and the
// elements, all with the most significant byte first.
func arrayIDX(in *reading, r io.Reader) (a rows, err error) {
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil || magic[0] != 0 || magic[1] != 0 {
		return a, fmt.Errorf("this is no idx file: such a file begins with two zeros, the type and the number of axes")
	}
	kinds := map[byte]number{8: {'u', 1, true}, 9: {'i', 1, true}, 11: {'i', 2, true}, 12: {'i', 4, true}, 13: {'f', 4, true}, 14: {'f', 8, true}}
	kind, ok := kinds[magic[2]]
	if !ok {
		return a, fmt.Errorf("an idx file has no type %d", magic[2])
	}
	const mostAxes = 8
	if magic[3] == 0 || magic[3] > mostAxes {
		return a, fmt.Errorf("an array of %d axes: 1 to %d are allowed", magic[3], mostAxes)
	}
	sizes := make([]byte, 4*int(magic[3]))
	if _, err := io.ReadFull(r, sizes); err != nil {
		return a, fmt.Errorf("it ends before the sizes of its axes")
	}
	var shape ir.Shape
	for at := 0; at < len(sizes); at += 4 {
		shape = append(shape, int(binary.BigEndian.Uint32(sizes[at:])))
	}
	if a, err = kind.array(in, r, shape); err != nil {
		return a, err
	}
	return a, ended(r)
}
