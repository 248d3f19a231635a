package wire

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// AskMemory asks who holds how much memory; the answer is Memory. It needs no
// session.
type AskMemory struct{}

// Memory tells who holds how much of the device's memory, and of the host's in
// arrays: data, kept tensors, and states that trainers go back to.
type Memory struct {
	Limit   int64    // bytes that the core may take
	Live    int64    // bytes in use on the device
	Peak    int64    // the most that ever were
	Host    int64    // bytes of arrays of the host
	Unified bool     // which count below the limit, because device and host share their memory
	Disk    int64    // bytes of rows that did not fit in memory
	Cached  int64    // bytes of buffers that nobody uses, kept for the next who wants some
	Buffers int      // such buffers
	Hits    int64    // those who wanted a buffer and got one of them
	Misses  int64    // and who did not
	Holders []Holder // who holds most is first; they add up to Live, Host and Disk
	Asleep  []Holder // trainers that are on the disk, for want of memory
	Lost    Holder   // what was dropped without being freed, and has been freed
}

// Holder is who holds memory.
type Holder struct {
	Kind     string // "trainer", "data", "tensor", "computations"
	Session  string // the notebook's path
	Name     string
	Bytes    int64 // of all on the device
	Host     int64
	Disk     int64
	Buffers  int
	Programs int      // compiled
	Arenas   int64    // bytes that these work in
	Gone     bool     // nobody is there any more whose it could be
	Places   []string // where it was allocated, in a core that began with METALNB_DEBUG=memory
}

func (*AskMemory) fields(*Codec) {}

func (m *Memory) fields(c *Codec) {
	c.Int64(&m.Limit)
	c.Int64(&m.Live)
	c.Int64(&m.Peak)
	c.Int64(&m.Host)
	c.Bool(&m.Unified)
	c.Int64(&m.Disk)
	c.Int64(&m.Cached)
	c.Int(&m.Buffers)
	c.Int64(&m.Hits)
	c.Int64(&m.Misses)
	list(c, &m.Holders, 81, func(x *Holder) { x.fields(c) })
	list(c, &m.Asleep, 81, func(x *Holder) { x.fields(c) })
	m.Lost.fields(c)
}

func (m *Holder) fields(c *Codec) {
	c.Str(&m.Kind)
	c.Str(&m.Session)
	c.Str(&m.Name)
	c.Int64(&m.Bytes)
	c.Int64(&m.Host)
	c.Int64(&m.Disk)
	c.Int(&m.Buffers)
	c.Int(&m.Programs)
	c.Int64(&m.Arenas)
	c.Bool(&m.Gone)
	c.Strs(&m.Places)
}

// InUse is what counts below the limit.
func (m *Memory) InUse() int64 {
	if m.Unified {
		return m.Live + m.Host
	}
	return m.Live
}

// String is a table of the holders.
func (m *Memory) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s in use: %s on the device, at most %s so far, and %s in arrays of the host",
		Size(m.InUse()), Size(m.Limit), Size(m.Live), Size(m.Peak), Size(m.Host))
	if !m.Unified {
		b.WriteString(", which do not count")
	}
	fmt.Fprintf(&b, "; %s kept in %d buffers, which %d of %d who wanted one got\n", Size(m.Cached), m.Buffers, m.Hits, m.Hits+m.Misses)
	for _, h := range m.Holders {
		fmt.Fprintf(&b, "%10s  %s", Size(h.Bytes+h.Host), h.Whose())
		for _, part := range h.parts() {
			b.WriteString(part)
		}
		if h.Gone {
			b.WriteString(", which is gone")
		}
		b.WriteString("\n")
	}
	for _, h := range m.Asleep {
		fmt.Fprintf(&b, "%10s  %s\n", "asleep", h.Whose())
	}
	for _, h := range m.Sums() {
		fmt.Fprintf(&b, "%10s  %s", Size(h.Bytes+h.Host), h.Sum())
		for _, part := range h.parts() {
			b.WriteString(part)
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Sums are what notebooks hold, that with most first, and what they share: a Holder
// for each session. They add up to what the holders do.
func (m *Memory) Sums() []Holder {
	by := map[string]*Holder{}
	for _, h := range m.Holders {
		sum := by[h.Session]
		if sum == nil {
			sum = &Holder{Session: h.Session}
			by[h.Session] = sum
		}
		sum.Bytes += h.Bytes
		sum.Host += h.Host
		sum.Disk += h.Disk
		sum.Buffers += h.Buffers
		sum.Programs += h.Programs
		sum.Arenas += h.Arenas
	}
	var list []Holder
	for _, sum := range by {
		list = append(list, *sum)
	}
	slices.SortFunc(list, func(a, b Holder) int {
		return cmp.Or(cmp.Compare(b.Bytes+b.Host, a.Bytes+a.Host), strings.Compare(a.Session, b.Session))
	})
	return list
}

// Sum names one of the Sums.
func (h *Holder) Sum() string {
	if h.Session == "" {
		return "all that notebooks share"
	}
	return "all of " + h.Session
}

// parts tells what a holder's memory is.
func (h *Holder) parts() (list []string) {
	if h.Programs > 0 {
		list = append(list, fmt.Sprintf(", of it %s arenas of %d programs", Size(h.Arenas), h.Programs))
	}
	if h.Host > 0 {
		list = append(list, fmt.Sprintf(", of it %s in arrays of the host", Size(h.Host)))
	}
	if h.Disk > 0 {
		list = append(list, fmt.Sprintf(", and %s on the disk", Size(h.Disk)))
	}
	return list
}

// Leaks tells what nobody owns: what was dropped without being freed, and what
// is held for those who are gone. It is empty when there is nothing.
func (m *Memory) Leaks() string {
	var b strings.Builder
	if n := m.Lost.Buffers + m.Lost.Programs; n > 0 {
		fmt.Fprintf(&b, "%s in %d buffers and %d programs were dropped without being freed; the core has found and freed them\n",
			Size(m.Lost.Bytes), m.Lost.Buffers, m.Lost.Programs)
		m.Lost.places(&b)
	}
	for _, h := range m.Holders {
		if h.Gone {
			fmt.Fprintf(&b, "%s in %d buffers and %d programs are held for the %s, which is gone\n", Size(h.Bytes), h.Buffers, h.Programs, h.Whose())
			h.places(&b)
		}
	}
	return b.String()
}

func (h *Holder) places(b *strings.Builder) {
	for _, place := range h.Places {
		fmt.Fprintf(b, "  %s\n", place)
	}
}

// Whose names the holder.
func (h *Holder) Whose() string {
	switch {
	case h.Kind == "":
		return "core"
	case h.Name == "":
		return h.Kind
	case h.Session == "":
		return h.Kind + " " + h.Name
	}
	return h.Kind + " " + h.Name + " of " + h.Session
}

// Size is a number of bytes for people.
func Size(bytes int64) string {
	switch b := float64(bytes); {
	case bytes < 1_000_000:
		return fmt.Sprintf("%.1f KB", b/1e3)
	case bytes < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", b/1e6)
	default:
		return fmt.Sprintf("%.1f GB", b/1e9)
	}
}
