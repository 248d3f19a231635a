package pool

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/backend"
)

// holding is a buffer or a program in use.
type holding struct {
	owner   backend.Owner
	bytes   int64
	program bool
	host    []byte    // the array that it is, which is counted as wrapped
	place   []uintptr // where it was made, when the pool is debugged
	free    func()    // gives the device's memory back
}

// wrapped counts the buffers that are an array of the host, by its first byte.
type wrapped map[*byte]int

func (w wrapped) add(data []byte, n int) {
	if len(data) == 0 {
		return
	}
	if w[&data[0]] += n; w[&data[0]] == 0 {
		delete(w, &data[0])
	}
}

// account is what an owner holds.
type account struct {
	bytes int64 // with what is being made
	held  map[*holding]bool
}

// Use is what an owner holds.
type Use struct {
	Owner    backend.Owner
	Bytes    int64 // of all on the device
	Host     int64 // of arrays of the host
	Buffers  int
	Programs int
	Arenas   int64    // bytes of the programs
	Places   []string // where it was made, with bytes, when the pool is debugged
}

// Usage is the state of a pool.
type Usage struct {
	Limit, Live, Peak, Cached int64 // bytes
	Host                      int64 // bytes of arrays of the host
	Unified                   bool  // which count below the limit
	Buffers                   int   // in the cache
	Hits, Misses              int64 // of those who wanted a buffer
	Uses                      []Use // who holds most is first; they add up to Live and Host
	Lost                      Use   // what was dropped without being freed
}

// hold puts something on its owner's account, whose bytes were counted before.
func (p *Pool) hold(h *holding) {
	if p.Debug {
		h.place = make([]uintptr, 16)
		h.place = h.place[:runtime.Callers(3, h.place)]
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accounts[h.owner].held[h] = true
}

// give takes something off its owner's account.
func (p *Pool) give(h *holding) {
	p.use(-h.bytes, h.owner)
	p.wrapped.add(h.host, -1)
	delete(p.accounts[h.owner].held, h)
	p.settle(h.owner)
}

// settle closes the account of an owner who holds nothing.
func (p *Pool) settle(o backend.Owner) {
	if a := p.accounts[o]; a.bytes == 0 && len(a.held) == 0 {
		delete(p.accounts, o)
	}
}

// lost is what was dropped without being freed.
type lost struct {
	bytes             int64
	buffers, programs int
	places            map[string]int64
}

// lose frees what the garbage collector has found: nobody can any more.
func (p *Pool) lose(h *holding) {
	p.mu.Lock()
	p.give(h)
	p.lost.bytes += h.bytes
	what := "a buffer"
	if h.program {
		what = "a program"
		p.lost.programs++
	} else {
		p.lost.buffers++
	}
	at := h.where()
	if p.lost.places == nil {
		p.lost.places = map[string]int64{}
	}
	if len(p.lost.places) < mostPlaces {
		p.lost.places[at] += h.bytes
	}
	p.mu.Unlock()
	h.free()
	p.Log("memory: %s of %d bytes of %v was dropped without being freed; it was made at %s", what, h.bytes, h.owner, at)
}

// mostPlaces bounds the places that are remembered.
const mostPlaces = 100

// self begins the names of this package's functions.
const self = "github.com/metalnb/metalnb/metalcore/pool."

// where says where something was made: the function that wanted it, and who
// called that.
func (h *holding) where() string {
	if len(h.place) == 0 {
		return "a place that METALNB_DEBUG=memory would tell"
	}
	var calls []string
	frames := runtime.CallersFrames(h.place)
	for more := true; more && len(calls) < 3; {
		var f runtime.Frame
		f, more = frames.Next()
		if strings.HasPrefix(f.Function, self) {
			continue
		}
		calls = append(calls, fmt.Sprintf("%s:%d", f.File[strings.LastIndexByte(f.File, '/')+1:], f.Line))
	}
	return strings.Join(calls, ", called at ")
}

// Usage tells who holds how much.
func (p *Pool) Usage() Usage {
	by, host := p.arrays()
	p.mu.Lock()
	defer p.mu.Unlock()
	u := Usage{Limit: p.Limit, Host: host, Unified: p.unified, Live: p.live, Peak: p.peak, Cached: p.cache.Bytes(), Buffers: p.cache.Len(), Hits: p.hits, Misses: p.misses,
		Lost: Use{Bytes: p.lost.bytes, Buffers: p.lost.buffers, Programs: p.lost.programs, Places: places(p.lost.places)}}
	for o, a := range p.accounts {
		use := a.tell(o)
		use.Host = by[o]
		u.Uses = append(u.Uses, use)
	}
	for o, bytes := range by {
		if p.accounts[o] == nil {
			u.Uses = append(u.Uses, Use{Owner: o, Host: bytes})
		}
	}
	slices.SortFunc(u.Uses, func(a, b Use) int {
		return cmp.Or(cmp.Compare(b.Bytes+b.Host, a.Bytes+a.Host), strings.Compare(a.Owner.String(), b.Owner.String()))
	})
	return u
}

func (a *account) tell(o backend.Owner) Use {
	u := Use{Owner: o, Bytes: a.bytes}
	at := map[string]int64{}
	for h := range a.held {
		if h.program {
			u.Programs++
			u.Arenas += h.bytes
		} else {
			u.Buffers++
		}
		if len(h.place) > 0 {
			at[h.where()] += h.bytes
		}
	}
	u.Places = places(at)
	return u
}

// places lists places, those of most bytes first.
func places(at map[string]int64) (list []string) {
	for _, place := range slices.SortedFunc(maps.Keys(at), func(a, b string) int {
		return cmp.Or(cmp.Compare(at[b], at[a]), strings.Compare(a, b))
	}) {
		list = append(list, fmt.Sprintf("%d bytes at %s", at[place], place))
	}
	return list[:min(len(list), mostPlaces)]
}

// Of is what an owner holds.
func (p *Pool) Of(o backend.Owner) Use {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.accounts[o]; a != nil {
		return a.tell(o)
	}
	return Use{Owner: o}
}

// LimitError says that there is no memory left below the limit, and who has it.
type LimitError struct {
	Need, Limit, Live int64
	Uses              []Use // who holds most is first
	Remedy            string
}

func (p *Pool) refuse(bytes int64) error {
	u := p.Usage()
	e := &LimitError{Need: bytes, Limit: u.Limit, Live: u.Live, Uses: u.Uses}
	if u.Unified {
		e.Live += u.Host
	}
	if p.Remedy != nil {
		e.Remedy = p.Remedy(e)
	}
	return e
}

// mostHolders is how many of those who hold memory an error names.
const mostHolders = 5

func (e *LimitError) Error() string {
	s := fmt.Sprintf("%s more are needed, and of the %s that the core may take %s are in use", Size(e.Need), Size(e.Limit), Size(e.Live))
	var names []string
	for i, u := range e.Uses {
		if i == mostHolders {
			names = append(names, fmt.Sprintf("%d more", len(e.Uses)-i))
			break
		}
		names = append(names, fmt.Sprintf("%v (%s)", u.Owner, Size(u.Bytes+u.Host)))
	}
	if len(names) > 0 {
		s += ", by " + strings.Join(names, ", ")
	}
	return s
}

// Size is a number of bytes for people.
func Size(bytes int64) string {
	switch b := float64(bytes); {
	case bytes < 10_000:
		return fmt.Sprintf("%d bytes", bytes)
	case bytes < 1_000_000:
		return fmt.Sprintf("%.1f KB", b/1e3)
	case bytes < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", b/1e6)
	default:
		return fmt.Sprintf("%.1f GB", b/1e9)
	}
}
