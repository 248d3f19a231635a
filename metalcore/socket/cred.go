package socket

import "fmt"

// What macOS tells of a peer, its struct xucred, in the one layout that there is.
// It always has a group, the user's own; one without was never filled in.
const (
	xucredVersion = 0
	xucredGroups  = 16
)

// credUser is the effective user of a peer when it connected.
func credUser(version, uid uint32, groups int16) (int, error) {
	if version != xucredVersion || groups < 1 || groups > xucredGroups {
		return 0, fmt.Errorf("credentials of version %d, with %d groups", version, groups)
	}
	return int(uid), nil
}
