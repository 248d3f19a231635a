package plan

import (
	"cmp"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Align is the alignment of every value in the arena, in bytes: a cache line,
// and the widest vector register.
const Align = 64

// block is a piece of the arena with the steps between which it is in use,
// both included. Values computed in place of each other share one.
type block struct {
	start, end   int
	size, offset int64
}

func (b *block) overlaps(c *block) bool { return b.start <= c.end && c.start <= b.end }

// placeArena finds the blocks of all values that have no place yet, lays them
// out, and writes down the place of every value.
func (p *planner) placeArena() {
	blocks := map[*ir.Value]*block{}
	var list []*block
	add := func(v *ir.Value, start, end int) {
		blocks[v] = &block{start: start, end: end, size: aligned(v.Bytes())}
		list = append(list, blocks[v])
	}
	for _, v := range p.prog.Graph.Values {
		if v.Op == ir.OpConst || v.Op == ir.OpIota { // written once, before the first step
			add(v, 0, len(p.prog.Steps))
		}
	}
	for i := range p.prog.Steps {
		for _, v := range p.prog.Steps[i].Writes {
			if !p.free(v) {
				continue
			}
			if b := p.reusable(v, blocks); b != nil {
				b.end = p.end[v]
				blocks[v] = b
				continue
			}
			add(v, i, p.end[v])
		}
	}
	p.prog.Arena = layout(list)
	for _, v := range p.prog.Graph.Values {
		s := storage(v)
		place, placed := p.place[s]
		switch b := blocks[s]; {
		case b != nil:
			place = Place{Kind: Arena, Offset: b.offset}
		case !placed:
			place = Place{Kind: Inside}
		}
		p.prog.Places[v] = place
	}
}

// reusable returns the block of an operand that dies in the step of v and may
// be written over, nil if there is none.
func (p *planner) reusable(v *ir.Value, blocks map[*ir.Value]*block) *block {
	at := p.step[v]
	for _, in := range p.prog.Steps[at].Reads {
		old := storage(in)
		b := blocks[old]
		if b != nil && b.end == at && in.Bytes() == v.Bytes() && p.overwritable(old, v) {
			return b
		}
	}
	return nil
}

func aligned(n int64) int64 { return (n + Align - 1) / Align * Align }

// layout gives each block its offset, the largest first, each in the smallest
// gap between the blocks that are alive with it, and returns the arena's size.
func layout(list []*block) int64 {
	order := slices.Clone(list)
	slices.SortStableFunc(order, func(a, b *block) int { return cmp.Compare(b.size, a.size) })
	var placed []*block // by offset
	var arena int64
	for _, b := range order {
		b.offset = bestFit(b, placed)
		arena = max(arena, b.offset+b.size)
		at, _ := slices.BinarySearchFunc(placed, b.offset, func(c *block, off int64) int { return cmp.Compare(c.offset, off) })
		placed = slices.Insert(placed, at, b)
	}
	return arena
}

func bestFit(b *block, placed []*block) int64 {
	best, bestGap, top := int64(-1), int64(0), int64(0)
	for _, c := range placed {
		if c.size == 0 || !b.overlaps(c) {
			continue
		}
		gap := c.offset - top
		if gap >= b.size && (best < 0 || gap < bestGap) {
			best, bestGap = top, gap
		}
		top = max(top, c.offset+c.size)
	}
	if best < 0 {
		return top
	}
	return best
}
