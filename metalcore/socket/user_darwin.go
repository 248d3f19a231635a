package socket

import "golang.org/x/sys/unix"

// user is that of the process which connected.
func user(fd int) (int, error) {
	cred, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, err
	}
	return credUser(cred.Version, cred.Uid, cred.Ngroups)
}
