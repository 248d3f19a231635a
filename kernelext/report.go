package kernelext

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// report writes a cell's line, and the error under it.
func (r *runner) report(c CellResult, of int) {
	width := len(fmt.Sprint(of))
	mark := ""
	var e *CellError
	if errors.As(c.Err, &e) {
		mark = "  FAILED"
	}
	fmt.Fprintf(r.Log, "[%*d/%d] %6.2f s  %s%s\n", width, c.Number, of, c.Time.Seconds(), c.Title, mark)
	if e == nil || e.Detail == "" {
		return
	}
	text := e.Detail
	if !isTerminal(r.Log) {
		text = stripANSI(text)
	}
	fmt.Fprintln(r.Log, "    "+strings.ReplaceAll(text, "\n", "\n    "))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Escape sequences: CSI with parameters, OSC with a text, and single letters.
var ansiSequence = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[@-Z\\\\^_])")

func stripANSI(s string) string {
	return ansiSequence.ReplaceAllString(s, "")
}

// gonbLog reads in gonb's log where its temporary folder is. gonb removes it, except when it is killed.
type gonbLog struct {
	mu   sync.Mutex
	head []byte
}

const gonbLogBytes = 16 << 10 // the line is among gonb's first

func (l *gonbLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if room := gonbLogBytes - len(l.head); room > 0 {
		l.head = append(l.head, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

var gonbFolder = regexp.MustCompile(`tmp Go code in "([^"]+)"`)

// clean removes the folder if it is still there. The log is text from outside: only a name that gonb gives is believed.
func (l *gonbLog) clean() {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := gonbFolder.FindSubmatch(l.head)
	if m == nil {
		return
	}
	dir := string(m[1])
	if ok, _ := filepath.Match("gonb_????????", filepath.Base(dir)); ok && filepath.Dir(dir) == filepath.Clean(os.TempDir()) {
		os.RemoveAll(dir)
	}
}
