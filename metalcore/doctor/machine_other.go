//go:build !linux && !darwin

package doctor

import "runtime"

// rssUnit is what the system counts a process's memory in.
const rssUnit = 1 << 10

// system tells what it runs on.
func system() [][2]string { return [][2]string{{"system", runtime.GOOS}} }
