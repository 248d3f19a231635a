package jupyter

import "syscall"

// childAttr puts the kernel in a group of its own, so that Ctrl-C in a terminal reaches us and not it, and has it end when
// we are killed.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
