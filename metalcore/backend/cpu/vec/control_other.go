//go:build !amd64

package vec

// Flush does nothing on this processor.
func Flush() (old uint32) { return 0 }

// Restore undoes Flush.
func Restore(old uint32) {}
