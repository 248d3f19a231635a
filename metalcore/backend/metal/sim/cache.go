package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Compiled kernels stay in $METALNB_SIM_CACHE, or else in a folder of the
// user's cache. In it is a folder for each shim and compiler, with
//
//	shim/           the headers
//	runtime.so
//	BATCH.so        kernels that were compiled together
//	KEY             the batch that has the kernel of this key

// unused is how long the folder of another shim is kept.
const unused = 14 * 24 * time.Hour

// cacheDir returns the folder of a shim, with its headers.
func cacheDir(key string) (string, error) {
	root := os.Getenv("METALNB_SIM_CACHE")
	if root == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("sim: no place for compiled kernels: %w; set METALNB_SIM_CACHE", err)
		}
		root = filepath.Join(user, "metalnb-sim")
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, key)
	if _, err := os.Stat(dir); err == nil {
		return dir, os.Chtimes(dir, time.Now(), time.Now())
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	dropUnused(root)
	tmp, err := os.MkdirTemp(root, "new-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	if err := os.CopyFS(tmp, shim); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, other := os.Stat(dir); other != nil { // else another process was first
			return "", err
		}
	}
	return dir, nil
}

func dropUnused(root string) {
	entries, _ := os.ReadDir(root)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > unused {
			os.RemoveAll(filepath.Join(root, e.Name()))
		}
	}
}

// batchOf returns the library that has a kernel, "" if there is none.
func (t *toolchain) batchOf(key string) string {
	name, err := os.ReadFile(filepath.Join(t.dir, key))
	if err != nil {
		return ""
	}
	so := filepath.Join(t.dir, string(name))
	if _, err := os.Stat(so); err != nil {
		return ""
	}
	return so
}

// remember writes down which library has a kernel.
func (t *toolchain) remember(key, so string) error {
	tmp, err := os.CreateTemp(t.dir, "key-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err := tmp.WriteString(filepath.Base(so)); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), filepath.Join(t.dir, key))
}
