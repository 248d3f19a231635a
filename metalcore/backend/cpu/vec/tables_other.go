//go:build !amd64

package vec

// tables: there is no assembly for this processor.
var tables [3]map[key]Kernel
