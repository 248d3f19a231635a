package checkpoint

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Before is where the file that stood at a path before its last Write is.
func Before(path string) string { return path + ".1" }

// unfinished ends the names of files that are being written.
const unfinished = ".tmp"

// Write puts the file at the path, where it stands once it is on the disk, and
// moves the one that stood there to Before(path). Who is killed meanwhile, or
// finds the disk full, leaves a whole file in at least one of the two places.
func Write(path string, f *File) error {
	tmp, err := write(path, f)
	if err != nil {
		return err
	}
	if err := os.Rename(path, Before(path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		os.Remove(tmp)
		return err
	}
	return place(tmp, path)
}

// Replace is Write that keeps nothing of what stood there.
func Replace(path string, f *File) error {
	tmp, err := write(path, f)
	if err != nil {
		return err
	}
	return place(tmp, path)
}

// write writes a file beside the path.
func write(path string, f *File) (tmp string, err error) {
	head, err := f.head()
	if err != nil {
		return "", err
	}
	out, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*"+unfinished)
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	w.Write(head)
	for _, a := range f.Arrays {
		w.Write(a.Data)
	}
	if err = w.Flush(); err == nil {
		err = out.Sync()
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(out.Name())
		return "", err
	}
	return out.Name(), nil
}

func place(tmp, path string) error {
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir has the names in a directory on the disk, where the system can do that.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}

// Remove removes the file of that path and the one before it.
func Remove(path string) error {
	for _, p := range []string{Before(path), path} { // so that no older one comes back
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Sweep removes what Write left unfinished in a directory when it was killed. It
// is for who knows that nobody writes there.
func Sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") && strings.HasSuffix(e.Name(), unfinished) {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
