//go:build !linux

package jupyter

import "syscall"

// childAttr puts the kernel in a group of its own, so that Ctrl-C in a terminal reaches us and not it.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
