package server

import (
	"io"
	"os"
)

// maxLog bounds the file that a core's log is written to.
const maxLog = 4 << 20

// LogTo returns a writer to the file that begins the file anew when it has
// grown large.
func LogTo(f *os.File) io.Writer { return &cappedLog{f} }

type cappedLog struct{ f *os.File }

func (l *cappedLog) Write(b []byte) (int, error) {
	if info, err := l.f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > maxLog {
		l.f.Truncate(0)
	}
	return l.f.Write(b)
}
