package socket

import (
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// The system tells who connected. Only root can connect as somebody else; the
// test of others holds without that, too.
func TestStranger(t *testing.T) {
	const nobody, same = 65534, ^uintptr(0)
	conn := accepted(t, func(path string) (net.Conn, error) {
		if os.Geteuid() != 0 {
			return net.Dial("unix", path)
		}
		for dir := path; dir != "/"; dir = dir[:max(1, strings.LastIndexByte(dir, '/'))] {
			os.Chmod(dir, 0o777) // somebody has opened it to everyone
		}
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			return nil, err
		}
		f := os.NewFile(uintptr(fd), path)
		defer f.Close()
		runtime.LockOSThread() // the thread alone becomes another user, for a moment
		defer runtime.UnlockOSThread()
		if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, same, nobody, same); e != 0 {
			return nil, e
		}
		err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: path})
		syscall.RawSyscall(syscall.SYS_SETRESUID, same, 0, same)
		if err != nil {
			return nil, err
		}
		return net.FileConn(f)
	})
	p := Stranger(conn)
	if os.Geteuid() == 0 && (p == nil || !strings.Contains(p.Message, "user 65534")) || os.Geteuid() != 0 && p != nil {
		t.Errorf("%v", p)
	}
}
