package wire

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// inFrame is the number of bytes up to which a tensor travels in its frame.
const inFrame = 256 << 10

// tensorPrefix begins the names of the files of tensors.
const tensorPrefix = "tensor-"

// Check reports a tensor whose type, shape and bytes do not fit each other.
func (t *Tensor) Check() error {
	n, err := t.Bytes()
	if err == nil && t.File == "" && n != int64(len(t.Data)) {
		err = fmt.Errorf("a tensor of shape %v takes %d bytes, and %d came", t.Shape, n, len(t.Data))
	}
	return err
}

// Bytes is the size that type and shape call for.
func (t *Tensor) Bytes() (int64, error) {
	dtype, err := ir.ParseDType(t.DType)
	if err != nil {
		return 0, fmt.Errorf("a tensor: %w", err)
	}
	n := int64(dtype.Size())
	for _, d := range t.Shape {
		if d < 0 || d > 0 && n > (1<<46)/int64(d) {
			return 0, fmt.Errorf("a tensor cannot have shape %v", t.Shape)
		}
		n *= int64(d)
	}
	return n, nil
}

// Numbers returns the elements of a tensor whose bytes are there.
func (t *Tensor) Numbers() ([]float64, error) {
	dtype, err := ir.ParseDType(t.DType)
	if err != nil {
		return nil, err
	}
	return ir.Elements(dtype, t.Data), nil
}

// Export moves the bytes of a large tensor to a file that the other side
// imports. They are written, not mapped, so that a full disk is an error and
// not a fault.
func (t *Tensor) Export(place Place) error {
	if len(t.Data) <= inFrame {
		return nil
	}
	f, err := os.CreateTemp(place.Exchange(), tensorPrefix+"*")
	if errors.Is(err, os.ErrNotExist) { // no core has been there yet
		if err := place.Make(); err != nil {
			return err
		}
		f, err = os.CreateTemp(place.Exchange(), tensorPrefix+"*")
	}
	if err != nil {
		return place.unwritable(err)
	}
	_, err = f.Write(t.Data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("hand over a tensor of %d bytes: %w", len(t.Data), place.unwritable(err))
	}
	t.File, t.Data = filepath.Base(f.Name()), nil
	return nil
}

// Import brings the bytes of an exported tensor back and removes the file. The
// file is mapped and copied once.
func (t *Tensor) Import(place Place) error {
	if err := t.Check(); err != nil || t.File == "" {
		return err
	}
	want, err := t.Bytes()
	if err != nil {
		return err
	}
	f, size, err := OpenExchanged(place, t.File)
	if err != nil {
		return err
	}
	defer f.Close()
	if size != want {
		return fmt.Errorf("the file of a tensor of shape %v has %d bytes, not %d", t.Shape, size, want)
	}
	t.Data, err = copyMapped(f, int(want))
	t.File = ""
	return err
}

// Discard removes the file of a tensor that nobody will import.
func (t *Tensor) Discard(place Place) {
	if path, err := exchanged(place, t.File); err == nil {
		os.Remove(path)
	}
	t.File = ""
}

// CreateExchanged makes the file of a tensor that another machine has named.
func CreateExchanged(place Place, name string) (*os.File, error) {
	path, err := exchanged(place, name)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, place.unwritable(err)
	}
	return f, nil
}

// OpenExchanged opens the file of a tensor and removes its name, so that it goes
// when it is closed.
func OpenExchanged(place Place, name string) (f *os.File, size int64, err error) {
	path, err := exchanged(place, name)
	if err != nil {
		return nil, 0, err
	}
	f, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0) // a pipe is not waited for
	if err != nil {
		return nil, 0, err
	}
	os.Remove(path)
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", path)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// exchanged is where the file of a tensor lies. A peer may have named any.
func exchanged(place Place, name string) (string, error) {
	if name != filepath.Base(name) || !strings.HasPrefix(name, tensorPrefix) {
		return "", fmt.Errorf("%q is not the name of an exchanged tensor", name)
	}
	return filepath.Join(place.Exchange(), name), nil
}

// copyMapped copies a file's bytes out of a mapping. A file that its owner
// cuts short meanwhile is an error.
func copyMapped(f *os.File, n int) (data []byte, err error) {
	if n == 0 {
		return nil, nil
	}
	mapped, err := syscall.Mmap(int(f.Fd()), 0, n, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	defer syscall.Munmap(mapped)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			data, err = nil, fmt.Errorf("%s changed while it was read", f.Name())
		}
	}()
	data = pages(n)
	copy(data, mapped)
	return data, nil
}

// pages is memory that begins with a page and ends with one, so that a GPU which
// shares memory with the host can use it as it is.
func pages(n int) []byte {
	page := os.Getpagesize()
	whole := (n + page - 1) / page * page
	data := make([]byte, whole+page)
	from := -int(uintptr(unsafe.Pointer(unsafe.SliceData(data)))) & (page - 1)
	return data[from : from+n : from+whole]
}
