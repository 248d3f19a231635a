package cpu

import (
	"encoding/binary"
	"syscall"
)

// physicalMemory is the size of the machine's memory in bytes.
func physicalMemory() int64 {
	// Sysctl takes the number for a C string and cuts a trailing zero byte.
	s, err := syscall.Sysctl("hw.memsize")
	if err != nil {
		return unknownMemory
	}
	var raw [8]byte
	copy(raw[:], s)
	return int64(binary.LittleEndian.Uint64(raw[:]))
}
