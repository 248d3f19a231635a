package sim

import "sync"

// Gathering collects the kernels of many drivers, so that they are compiled
// together, which takes a tenth of the time of one by one. A suite is run twice
// for that: with drivers that gather, whose work does nothing, and after
// Prepare with drivers that find all kernels in the cache.
type Gathering struct {
	mu    sync.Mutex
	units map[string]*unit
	order []*unit
}

func (g *Gathering) add(units []*unit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.units == nil {
		g.units = map[string]*unit{}
	}
	for _, u := range units {
		if g.units[u.key] == nil {
			g.units[u.key] = u
			g.order = append(g.order, u)
		}
	}
}

// Len returns how many different kernels there are.
func (g *Gathering) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.order)
}

// Prepare compiles the kernels into the cache. Those that do not compile are
// *gpu.CompileErrors, joined; the others are compiled all the same.
func (g *Gathering) Prepare() error {
	t, err := tools()
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return t.build(g.order, maxBatch)
}

// Lint holds the address spaces of the kernels, as the function Lint does.
func (g *Gathering) Lint() error {
	t, err := tools()
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return each(g.order, maxBatch, t.lintBatch)
}
