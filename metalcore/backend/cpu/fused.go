package cpu

import (
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/vec"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// Elements that are worth waking the workers for: of one addition, and of one
// call of package math.
const (
	cheapGrain  = 1 << 15
	costlyGrain = 1 << 12
)

// tileBytes is the memory of one tile of all operands, results and temporaries
// of a step: a third to a half of a first cache.
const tileBytes = 16 << 10

// rowTileBytes is the same of a step that works row by row. It has many short
// ops, for which longer tiles are worth a look into the second cache.
const rowTileBytes = 64 << 10

// fused computes a step of elementwise values tile by tile: each op runs over
// the whole tile before the next one, and what lies between them stays in the
// cache. Where operands are is a table of pointers, one table for each worker,
// that is moved on from tile to tile.
type fused struct {
	space    space
	operands []operand
	results  []result
	ops      []tileOp
	temps    int // tiles of scratch, after the operands and results in the table
	words    int // floats that an element of a tile of scratch takes
	tile     int // elements
	tiles    int
	row      int // elements of a row, of a step that works row by row

	calls []call // the ops with their pointers, where one tile is all
}

// call is an op that knows its memory.
type call struct {
	run        vec.Kernel
	d, a, b, c unsafe.Pointer
}

// operand is a value that the step reads from memory.
type operand struct {
	id    int
	dtype ir.DType
	axes  []int // how far an element is from the next one along each axis
	form  form
	temp  int // of an expanded or loaded operand
	load  *loader
	rows  bool // it is read by a node that computes rows' numbers
}

// result is a value that the step writes to memory.
type result struct {
	id   int
	rows bool // it has one number for each row
}

// tileOp is one op over a tile: numbers of pointers in the table.
type tileOp struct {
	run        vec.Kernel
	d, a, b, c int
}

// pointers is the size of the table.
func (f *fused) pointers() int { return len(f.operands) + len(f.results) + f.temps }

// elementwise makes the kernel of a step whose values are all fusible.
func elementwise(c *compiler, s *plan.Step) kernel {
	f := newFuser(c, s)
	f.unguard()
	f.collect()
	k := f.loop()
	if k == nil {
		k = tiled(c, s, f.compile())
	}
	if f.guard == nil {
		return k
	}
	guard := c.id(f.guard)
	return func(fr *frame) {
		if fr.bytes(guard)[0] != 0 {
			k(fr)
		}
	}
}

// tiled makes the kernel of a step that runs op by op over tiles.
func tiled(c *compiler, s *plan.Step, f *fused) kernel {
	f.reserve(c)
	cost := 0
	for _, v := range s.Values {
		cost += vec.Cost(kernelName(v))
	}
	if f.tiles == 1 {
		f.calls = make([]call, len(f.ops))
		c.binds = append(c.binds, f.bind)
		return f.once
	}
	grain := max(1, cheapGrain/(f.tile*cost))
	part := f.part
	return func(fr *frame) { fr.pool.run(fr, f.tiles, grain, part) }
}

func (f *fused) reserve(c *compiler) {
	c.need(0, f.temps*f.tile*f.words)
	c.pointers = max(c.pointers, f.pointers())
}

// bind looks up the pointers of a step of one tile for all runs with the same
// buffers, which is most of the time that such a small step takes.
func (f *fused) bind(fr *frame) {
	table := fr.table[0][:f.pointers()]
	f.prepare(fr, 0, table)
	f.move(fr, table, 0, f.tile, true)
	for i, o := range f.ops {
		f.calls[i] = call{o.run, table[o.d], table[o.a], table[o.b], table[o.c]}
	}
}

// once computes the only tile.
func (f *fused) once(fr *frame) {
	for i := range f.operands {
		if o := &f.operands[i]; o.load != nil {
			f.bring(fr, unsafe.Pointer(&fr.local[0][o.temp*f.tile*f.words]), o, 0, f.tile)
		} else if o.form == periodic || o.form == expanded {
			f.space.expand(fr.pool.variant, fr.local[0][o.temp*f.tile*f.words:][:f.tile], fr.vals[o.id], 0, o)
		}
	}
	for i := range f.calls {
		o := &f.calls[i]
		o.run(o.d, o.a, o.b, o.c, f.tile)
	}
}

// part computes the tiles lo to hi.
func (f *fused) part(fr *frame, worker, lo, hi int) {
	start, _ := f.space.tile(lo, f.tile)
	last, n := f.space.tile(hi-1, f.tile)
	f.span(fr, worker, start, last+n)
}

// span computes the elements lo to hi, of which the first begins a tile or lies
// where the space may be cut.
func (f *fused) span(fr *frame, worker, lo, hi int) {
	table := fr.table[worker][:f.pointers()]
	f.prepare(fr, worker, table)
	for first := true; lo < hi; first = false {
		n := min(f.tile, hi-lo)
		if f.space.wide() {
			n = min(n, f.space.dims[0]-lo%f.space.dims[0])
		}
		f.move(fr, table, lo, n, first)
		for i := range f.ops {
			o := &f.ops[i]
			o.run(table[o.d], table[o.a], table[o.b], table[o.c], n)
		}
		lo += n
	}
}

// prepare writes the pointers that are the same for all tiles.
func (f *fused) prepare(fr *frame, worker int, table []unsafe.Pointer) {
	temps := table[len(f.operands)+len(f.results):]
	for i := range temps {
		temps[i] = unsafe.Pointer(&fr.local[worker][i*f.tile*f.words])
	}
	for i := range f.operands {
		o := &f.operands[i]
		if o.load != nil || o.form == periodic || o.form == expanded {
			table[i] = temps[o.temp]
		} else if o.form == single {
			table[i] = fr.at(o.id, 0)
		}
	}
}

// move sets the pointers to a tile of n elements. Rows that are the same in all
// tiles are written with the first tile of a part.
func (f *fused) move(fr *frame, table []unsafe.Pointer, start, n int, first bool) {
	for i := range f.operands {
		o := &f.operands[i]
		if o.load != nil {
			if first || o.form != periodic && o.form != single {
				f.bring(fr, table[i], o, start, n)
			}
			continue
		}
		x := fr.vals[o.id]
		switch o.form {
		case dense:
			table[i] = fr.at(o.id, start)
		case perRow:
			table[i] = fr.at(o.id, start/f.row)
		case along:
			table[i] = fr.at(o.id, f.space.offset(start, o.axes))
		case periodic:
			if first {
				f.space.expand(fr.pool.variant, unsafe.Slice((*float32)(table[i]), f.tile), x, start, o)
			}
		case expanded:
			f.space.expand(fr.pool.variant, unsafe.Slice((*float32)(table[i]), n), x, start, o)
		}
	}
	for i, r := range f.results {
		at := start
		if r.rows {
			at /= f.row
		}
		table[len(f.operands)+i] = fr.at(r.id, at)
	}
}
