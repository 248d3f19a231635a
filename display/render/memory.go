package render

import (
	"fmt"
	"path"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Memory returns a table of who holds how much of the device's memory, of the host's
// and of the disk. What is of the given session is marked.
func (r *Renderer) Memory(m *wire.Memory, session string) []wire.Item {
	t := &table{head: []string{"", "name", "notebook", "device", "arenas", "programs", "buffers", "host", "disk"}, right: []bool{false, false, false, true, true, true, true, true, true}}
	for _, h := range m.Holders {
		class := ""
		if h.Session == session {
			class = "mark"
		}
		t.add(class, h.Kind, h.Name, notebook(h.Session), size(h.Bytes), size(h.Arenas), fmt.Sprint(h.Programs), fmt.Sprint(h.Buffers), size(h.Host), size(h.Disk))
	}
	for _, h := range m.Asleep {
		t.add("", h.Kind, h.Name, notebook(h.Session), "asleep", "", "", "", "", "")
	}
	for i, h := range m.Sums() {
		class, name := "", "all"
		if i == 0 {
			class = "sum"
		}
		if h.Session == "" {
			name = h.Sum()
		}
		t.add(class, "", name, notebook(h.Session), size(h.Bytes), size(h.Arenas), fmt.Sprint(h.Programs), fmt.Sprint(h.Buffers), size(h.Host), size(h.Disk))
	}
	t.add("sum", "", "in use", "", size(m.Live), "", "", "", size(m.Host), size(m.Disk))
	t.add("", "cache", "", "", size(m.Cached), "", "", fmt.Sprint(m.Buffers), "", "")
	head := fmt.Sprintf("<div class=\"head\"><b>memory</b> <span class=\"dim\">%s of %s in use</span></div>\n", size(m.InUse()), size(m.Limit))
	return bundle(frame(head+t.html()), nil, plainLines(m.String()))
}

// notebook is the name of a notebook; the text has its whole path.
func notebook(session string) string {
	if session == "" {
		return ""
	}
	return path.Base(session)
}
