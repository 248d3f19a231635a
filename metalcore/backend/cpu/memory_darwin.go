package cpu

import "syscall"

// physicalMemory is the size of the machine's memory in bytes.
func physicalMemory() int64 {
	// Sysctl takes the number for a C string and cuts a trailing zero byte.
	s, err := syscall.Sysctl("hw.memsize")
	if err != nil {
		return unknownMemory
	}
	var bytes int64
	for i := range min(len(s), 8) {
		bytes |= int64(s[i]) << (8 * i)
	}
	return bytes
}
