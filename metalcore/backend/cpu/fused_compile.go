package cpu

import (
	"slices"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// fuser turns the values of a step into ops over tiles. While it works a
// pointer is numbered by kind: operands from 0, results from resultBase,
// temporaries from tempBase; link makes that the numbers of the table.
type fuser struct {
	*fused
	c     *compiler
	step  *plan.Step
	nodes []node
	guard *ir.Value // 0 says that the step shall leave everything as it is
	full  ir.Shape  // of the step's values

	of   map[*ir.Value]int // where a value of the step is
	last map[*ir.Value]int // number of the last node that reads it
	free []int             // temporaries whose value is no longer needed
	late []tileOp          // copies of results at the end of a tile
}

const (
	resultBase = 1 << 20
	tempBase   = 1 << 21
)

func newFuser(c *compiler, s *plan.Step) *fuser {
	f := &fuser{fused: &fused{words: wordsOf(s)}, c: c, step: s, of: map[*ir.Value]int{}, last: map[*ir.Value]int{}}
	f.nodes = nodesOf(s)
	f.byRows(s)
	return f
}

// compile makes the ops over tiles of a step whose operands are known.
func (f *fuser) compile() *fused {
	for i, n := range f.nodes {
		for _, in := range n.in {
			f.last[in] = i
		}
	}
	for i := range f.nodes {
		f.add(i)
	}
	f.ops = append(f.ops, f.late...)
	f.link()
	return f.fused
}

// collect finds the operands from outside and the space of the step.
func (f *fuser) collect() {
	shape := slices.DeleteFunc(slices.Clone(f.full), func(d int) bool { return d == 1 })
	made := map[*ir.Value]bool{}
	for _, n := range f.nodes {
		made[n.v] = true
	}
	var axes [][]int
	for i := range f.nodes {
		n := &f.nodes[i]
		rows := n.rows && !plan.RowFold(n.v)
		for k, in := range n.in {
			n.from[k] = -1
			if made[in] {
				continue
			}
			a := stepsAlong(in.Shape, f.full)
			at := slices.IndexFunc(f.operands, func(o operand) bool {
				return o.id == f.c.id(in) && o.rows == rows && slices.Equal(o.axes, a)
			})
			if at < 0 {
				at = len(f.operands)
				f.operands = append(f.operands, operand{id: f.c.id(in), axes: a, dtype: in.DType, rows: rows})
				axes = append(axes, a)
			}
			n.from[k] = at
		}
	}
	if f.row > 0 { // the rows' numbers keep the last axis apart
		numbers := append(slices.Clone(f.full[:len(f.full)-1]), 1)
		axes = append(axes, stepsAlong(numbers, f.full))
	}
	f.space, axes = newSpace(shape, axes)
	f.space.rows = f.row > 0
	for i := range f.operands {
		o := &f.operands[i]
		o.axes = axes[i]
		if o.form = f.space.form(o.axes); o.rows && o.form != single {
			o.form = perRow
		}
		o.load = f.loader(o)
		if o.load != nil || o.form == periodic || o.form == expanded {
			o.temp = f.temps
			f.temps++
		}
	}
}

// stepsAlong are the distances between elements of an operand along the axes
// of the result that are not of size 1; 0 where the operand is repeated.
func stepsAlong(in, out ir.Shape) []int {
	all := strides(in, len(out))
	var kept []int
	for i, d := range out {
		if d != 1 {
			kept = append(kept, all[i])
		}
	}
	return kept
}

// add appends the op of node i.
func (f *fuser) add(i int) {
	n := &f.nodes[i]
	op := tileOp{}
	to := [3]*int{&op.a, &op.b, &op.c}
	numbers := uint(0)
	for k, in := range n.in {
		if n.from[k] < 0 {
			*to[k] = f.of[in]
			continue
		}
		*to[k] = n.from[k]
		if o := &f.operands[n.from[k]]; o.form.number(o.axes) {
			numbers |= 1 << k
		}
	}
	if n.swaps && numbers&3 == 1 { // the number is the second factor
		op.a, op.b, numbers = op.b, op.a, numbers^3
	}
	filled := f.spread(n, &numbers, to)
	for k, in := range n.in { // what dies here may be written over
		if n.from[k] < 0 && f.last[in] == i && !slices.Contains(n.in[:k], in) {
			filled = append(filled, f.of[in])
		}
	}
	op.run = f.kernel(n, numbers)
	if n.grows() {
		op.d = f.target(i)
		f.release(filled...)
	} else {
		f.release(filled...)
		op.d = f.target(i)
	}
	f.of[n.v] = op.d
	f.ops = append(f.ops, op)
	f.finish(n, op.d)
}

// spread writes numbers out, one operand after the other, until there is a
// kernel for what is left of them.
func (f *fuser) spread(n *node, numbers *uint, to [3]*int) (temps []int) {
	for k := 0; vec.Find(f.c.pool.variant, n.name, *numbers) == nil && *numbers != 0; k++ {
		if *numbers>>k&1 == 0 {
			continue
		}
		t := f.temp()
		f.ops = append(f.ops, tileOp{run: vec.Find(f.c.pool.variant, copyName(n.in[k].DType), 1), d: t, a: *to[k]})
		*to[k] = t
		*numbers &^= 1 << k
		temps = append(temps, t)
	}
	return temps
}

// target is where node i is computed: in its memory, if it has one and no later
// op reads what lies there, else in a temporary.
func (f *fuser) target(i int) int {
	v := f.nodes[i].v
	if !slices.Contains(f.step.Writes, v) {
		return f.temp()
	}
	r := resultBase + len(f.results)
	f.results = append(f.results, result{f.c.id(v), f.nodes[i].rows})
	if !narrow(v.DType) && !f.awaited(i) {
		return r
	}
	t := f.temp()
	f.last[v] = len(f.nodes) // kept to the end
	f.late = append(f.late, tileOp{run: f.short(&f.nodes[i], vec.Find(f.c.pool.variant, outName(v.DType), 0)), d: r, a: t})
	return t
}

// awaited reports whether a later node reads what lies where node i is written.
func (f *fuser) awaited(i int) bool {
	place := func(v *ir.Value) plan.Place { return f.c.exe.places[f.c.id(v)] }
	for _, n := range f.nodes[i+1:] {
		for k, in := range n.in {
			if n.from[k] >= 0 && place(in) == place(f.nodes[i].v) {
				return true
			}
		}
	}
	return false
}

func (f *fuser) temp() int {
	if n := len(f.free); n > 0 {
		t := f.free[n-1]
		f.free = f.free[:n-1]
		return t
	}
	f.temps++
	return tempBase + f.temps - 1
}

// release gives temporaries back; operands and results are none.
func (f *fuser) release(list ...int) {
	for _, p := range list {
		if p >= tempBase {
			f.free = append(f.free, p)
		}
	}
}

// link chooses the tile and gives pointers their numbers in the table.
func (f *fuser) link() {
	number := func(p int) int {
		switch {
		case p >= tempBase:
			return p - tempBase + len(f.operands) + len(f.results)
		case p >= resultBase:
			return p - resultBase + len(f.operands)
		}
		return p
	}
	for i := range f.ops {
		o := &f.ops[i]
		o.d, o.a, o.b, o.c = number(o.d), number(o.a), number(o.b), number(o.c)
	}
	live := f.temps + len(f.results)
	for _, o := range f.operands {
		if o.load == nil && (o.form == dense || o.form == along) {
			live++
		}
	}
	bytes := tileBytes
	if f.row > 0 {
		bytes = rowTileBytes
	}
	tile := max(128, bytes/4/f.words/live&^63)
	f.tile, f.tiles = f.space.fit(min(tile, 2048))
}
