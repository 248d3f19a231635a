package wire

import (
	"fmt"
	"strconv"
	"strings"
)

// KernelName is what Hello calls the kernel that runs a notebook's cells: its
// process, and its folder, which no later process of that number has again.
func KernelName(pid int, dir string) string { return fmt.Sprintf("%d %s", pid, dir) }

// KernelPID is the process of a kernel of that name, 0 when it does not tell.
func KernelPID(name string) int {
	first, _, _ := strings.Cut(name, " ")
	pid, err := strconv.Atoi(first)
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}
