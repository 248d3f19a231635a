package wire

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzTensor imports what a peer calls a tensor: no other file is read or removed,
// and the bytes are those that type and shape call for.
func FuzzTensor(f *testing.F) {
	dir := f.TempDir()
	place := Place(filepath.Join(dir, "core"))
	if err := place.Make(); err != nil {
		f.Fatal(err)
	}
	secret := filepath.Join(string(place), "tensor-secret")
	if err := os.WriteFile(secret, make([]byte, 8), 0o600); err != nil {
		f.Fatal(err)
	}
	os.Symlink(secret, filepath.Join(place.Exchange(), "tensor-link"))
	for _, x := range []Tensor{
		{DType: "f32", Shape: []int{2}, File: "tensor-there"}, {DType: "f32", Shape: []int{2}, File: "../tensor-secret"}, {DType: "f32", Shape: []int{2}, File: "tensor-link"},
		{DType: "u8", Shape: []int{1 << 40, 1 << 40}}, {DType: "bool", Shape: []int{-8}}, {DType: "i64", Data: make([]byte, 8)},
	} {
		c := &Codec{}
		x.fields(c)
		f.Add(c.buf)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		there := filepath.Join(place.Exchange(), "tensor-there")
		if err := os.WriteFile(there, make([]byte, 8), 0o600); err != nil {
			t.Fatal(err)
		}
		var x Tensor
		c := &Codec{buf: data, reading: true}
		if x.fields(c); c.err != nil {
			return
		}
		err := x.Import(place)
		if n, bad := x.Bytes(); err == nil && (bad != nil || n != int64(len(x.Data))) {
			t.Errorf("a tensor %s %v of %d bytes, %v", x.DType, x.Shape, len(x.Data), bad)
		}
		x.Discard(place)
		if _, err := os.Stat(secret); err != nil {
			t.Error(err)
		}
	})
}
