// Package checkpoint keeps arrays and texts in files that outlive a crash. A file
// is one in the format safetensors, which Python reads, too: the length of a
// header in 8 bytes, the header in JSON, the numbers. To this the package adds a
// checksum of all bytes, among the texts of the header.
//
// A file is written beside the one that it replaces and takes its place only when
// it is on the disk; the one before stays, with ".1" behind its name. So at each
// moment there is a whole file.
package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// File is what a file holds.
type File struct {
	Meta   map[string]string
	Arrays []Array
}

// Array is an array with a name; its elements are little endian, in row-major
// order.
type Array struct {
	Name  string
	Type  string // as safetensors calls it: "F32"
	Shape []int
	Data  []byte
}

// sizes are the types that arrays may have, with their bytes.
var sizes = map[string]int{"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}

// types are the names of those that the engine computes with.
var types = map[ir.DType]string{ir.F32: "F32", ir.F16: "F16", ir.BF16: "BF16", ir.I32: "I32", ir.I64: "I64", ir.U8: "U8", ir.Bool: "BOOL"}

// Type is the name that a file has for a type.
func Type(d ir.DType) string { return types[d] }

// DType is the engine's type of the array.
func (a *Array) DType() (ir.DType, error) {
	for d, name := range types {
		if name == a.Type {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%s is of type %s, and arrays are %s", a.Name, a.Type, ir.ListDTypes(ir.DTypes()...))
}

// bytes is the size that type and shape call for.
func (a *Array) bytes() (int64, error) {
	n := int64(sizes[a.Type])
	if n == 0 {
		return 0, fmt.Errorf("%q is of the unknown type %q", a.Name, a.Type)
	}
	for _, d := range a.Shape {
		if d < 0 || d > 0 && n > (1<<46)/int64(d) {
			return 0, fmt.Errorf("%q cannot have the shape %v", a.Name, a.Shape)
		}
		n *= int64(d)
	}
	return n, nil
}

const (
	lengthSize = 8
	maxHeader  = 100 << 20 // as in safetensors
	metaKey    = "__metadata__"
	// start is how the header of a file with a checksum begins; that of safetensors
	// may begin in any way that JSON allows.
	start   = `{"` + metaKey + `":{"crc32c":"`
	sumSize = 8 // hexadecimal digits
	sumAt   = lengthSize + len(start)
)

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entry is what the header says of an array.
type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// head is the beginning of the file, up to the numbers.
func (f *File) head() ([]byte, error) {
	b := append(make([]byte, lengthSize), start+"00000000\""...)
	for _, key := range slices.Sorted(maps.Keys(f.Meta)) {
		var err error
		if b, err = appendJSON(append(b, ','), key, f.Meta[key]); err != nil {
			return nil, err
		}
	}
	b = append(b, '}')
	at, seen := int64(0), map[string]bool{metaKey: true}
	for i := range f.Arrays {
		a := &f.Arrays[i]
		n, err := a.bytes()
		switch {
		case err != nil:
			return nil, err
		case n != int64(len(a.Data)) || seen[a.Name]:
			return nil, fmt.Errorf("array %q has %d bytes in the shape %v, or is there twice", a.Name, len(a.Data), a.Shape)
		}
		seen[a.Name] = true
		if b, err = appendJSON(append(b, ','), a.Name, entry{a.Type, append([]int{}, a.Shape...), [2]int64{at, at + n}}); err != nil {
			return nil, err
		}
		at += n
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	if len(b) > maxHeader {
		return nil, fmt.Errorf("the texts and names of a file take %d bytes, and %d are allowed", len(b), maxHeader)
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-lengthSize))
	sum := crc32.Checksum(b, castagnoli)
	for _, a := range f.Arrays {
		sum = crc32.Update(sum, castagnoli, a.Data)
	}
	copy(b[sumAt:], fmt.Sprintf("%08x", sum))
	return b, nil
}

func appendJSON(b []byte, key string, value any) ([]byte, error) {
	text, isText := value.(string)
	if !utf8.ValidString(key) || isText && !utf8.ValidString(text) {
		return nil, fmt.Errorf("%q is not text in UTF-8", key)
	}
	k, err := json.Marshal(key)
	if err != nil {
		return nil, err
	}
	v, err := json.Marshal(value)
	return append(append(append(b, k...), ':'), v...), err
}
