//go:build linux

package cuda

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// EnvCache names the environment variable with the folder of compiled kernels.
// Without it, they are in a folder of the user's cache.
const EnvCache = "METALNB_CUDA_CACHE"

// cacheAge is how long compiled kernels are kept that nobody asks for.
const cacheAge = 30 * 24 * time.Hour

// cache is a folder of compiled kernels, "" for none. What fails there costs
// only time: the kernels are compiled again.
type cache string

// openCache returns the cache without what is old.
func openCache() cache {
	dir := os.Getenv(EnvCache)
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(user, "metalnb-cuda")
	}
	if os.MkdirAll(dir, 0o755) != nil {
		return ""
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > cacheAge {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	return cache(dir)
}

// key is the name of a module: of all that decides what is in it.
func (c cache) key(version, options, source string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s", version, options, source))
	return hex.EncodeToString(sum[:])
}

// load returns a module, nil if there is none.
func (c cache) load(key string) []byte {
	if c == "" {
		return nil
	}
	path := filepath.Join(string(c), key)
	data, err := os.ReadFile(path)
	if err != nil || len(data) < sha256.Size || sha256.Sum256(data[sha256.Size:]) != [sha256.Size]byte(data) {
		return nil
	}
	now := time.Now()
	os.Chtimes(path, now, now)
	return data[sha256.Size:]
}

// store keeps a module, with its digest before it.
func (c cache) store(key string, module []byte) {
	if c == "" {
		return
	}
	f, err := os.CreateTemp(string(c), "new-*")
	if err != nil {
		return
	}
	sum := sha256.Sum256(module)
	_, err = f.Write(append(sum[:], module...))
	if f.Close() != nil || err != nil || os.Rename(f.Name(), filepath.Join(string(c), key)) != nil {
		os.Remove(f.Name())
	}
}
