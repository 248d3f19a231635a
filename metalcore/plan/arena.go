package plan

import (
	"cmp"
	"slices"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// Align is the alignment of every value in the arena, in bytes: a cache line,
// and the widest vector register.
const Align = 64

// block is a piece of the arena with the positions between which it is in use,
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
	for i, v := range p.prog.Graph.Values {
		if _, placed := p.place[v]; placed || v.Op == "reshape" {
			continue
		}
		if b := p.reusable(v, blocks); b != nil {
			b.end = p.end[v]
			blocks[v] = b
			continue
		}
		b := &block{start: i, end: p.end[v], size: aligned(v.Bytes())}
		if v.IsLeaf() { // a constant is written once, before the first step
			b.start, b.end = 0, len(p.prog.Graph.Values)
		}
		blocks[v] = b
		list = append(list, b)
	}
	p.prog.Arena = layout(list)
	for _, v := range p.prog.Graph.Values {
		s := storage(v)
		if b := blocks[s]; b != nil {
			p.prog.Places[v] = Place{Kind: Arena, Offset: b.offset}
		} else {
			p.prog.Places[v] = p.place[s]
		}
	}
}

// reusable returns the block of an operand that dies in v and may be written
// over, nil if there is none.
func (p *planner) reusable(v *ir.Value, blocks map[*ir.Value]*block) *block {
	for _, in := range v.In {
		old := storage(in)
		b := blocks[old]
		if b != nil && b.end == p.pos[v] && in.Bytes() == v.Bytes() && p.overwritable(old, v) {
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
