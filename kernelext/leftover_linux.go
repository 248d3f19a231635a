package kernelext

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// cellPipes returns the named pipes of the cells that still run in a process group, and those that its processes have open.
// gonb removes them when a cell has ended, but not when it ends itself before.
func cellPipes(group int) (paths []string) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		if groupOf(dir) != group {
			continue
		}
		files, _ := filepath.Glob(filepath.Join(dir, "fd", "*"))
		for _, file := range files {
			if path, err := os.Readlink(file); err == nil && strings.HasPrefix(filepath.Base(path), "gonb_pipe_") {
				paths = append(paths, path)
			}
		}
		env, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil {
			continue
		}
		list := strings.Split(string(env), "\x00")
		for _, name := range []string{"GONB_PIPE", "GONB_PIPE_BACK"} {
			if path := lookup(list, name, ""); path != "" {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// groupOf reads a process's group, 0 when the process is gone.
func groupOf(dir string) int {
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return 0
	}
	// The second field is the program's name in brackets, which may hold anything.
	var state string
	var parent, group int
	text := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
	if _, err := fmt.Sscan(text, &state, &parent, &group); err != nil {
		return 0
	}
	return group
}
