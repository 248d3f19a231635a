//go:build !amd64

package vec

// Flush does nothing on this processor. What arm64 has would read subnormal
// operands as 0, too, and so change what comparisons say.
func Flush() (old uint32) { return 0 }

// Restore undoes Flush.
func Restore(old uint32) {}
