//go:build !linux && !darwin

package cpu

// physicalMemory is a guess on systems that are not asked.
func physicalMemory() int64 { return unknownMemory }
