package gpu

import (
	"fmt"
	"math/bits"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() { register(map[string]lowering{"argsort": (*lowerer).argSort}) }

// Lines are sorted by Batcher's bitonic network, in which runs of twice the
// length are merged until one is left: the first half of a run is compared with
// the second one in reverse, so that the smaller always goes to the front, and
// elements behind a line's end, which would be the largest, never move. What is
// sorted are keys with the places that they come from. No two of these pairs are
// equal, so that the result is that of a stable sort.

// sortChunk is how many pairs lie in threadgroup memory, where short runs are
// merged, and sortThreads how many threads work on them.
const (
	sortChunk   = 2048
	sortThreads = 512
)

// lines are those of a shape along an axis: outer * inner lines of size elements,
// which lie inner apart.
type lines struct{ outer, size, inner int }

func linesOf(s ir.Shape, axis int) lines { return lines{s[:axis].Elems(), s[axis], s[axis+1:].Elems()} }

func (s lines) count() int { return s.outer * s.inner }

// at is where an element of a line lies.
func (s lines) at(line, i string) string {
	if s.inner == 1 {
		return fmt.Sprintf("%s * %du + %s", line, s.size, i)
	}
	return fmt.Sprintf("%s / %du * %du + %s %% %du + %s * %du", line, s.inner, s.size*s.inner, line, s.inner, i, s.inner)
}

// sorter emits the sort of lines.
type sorter struct {
	lines
	l      *lowerer
	source Arg
	dtype  ir.DType // of the source
	key    string   // of an element x of the source, which smaller ones stand before: an int, or a long
	wide   bool     // it is a long
	order  Arg      // gets the places, i32, in the order of their keys
	keys   Arg      // gets the keys; nothing where they are not asked for
	index  string
}

func (s *sorter) keyDType() ir.DType {
	if s.wide {
		return ir.I64
	}
	return ir.I32
}

// argSort emits the order of lines.
func (l *lowerer) argSort(v *ir.Value) error {
	x := v.In[0]
	s := &sorter{lines: linesOf(x.Shape, v.Int("axis")), l: l, source: l.read(x), dtype: x.DType, wide: x.DType == ir.I64, order: l.write(v)}
	s.key = loaded(x.DType, "x")
	if x.DType.Float() {
		s.key = "f_order(" + s.key + ")"
	}
	if v.Bool("descending") {
		s.key = "~(" + s.key + ")"
	}
	s.emit()
	return numbered(s.size)
}

func (s *sorter) emit() {
	s.index = wide(s.count() * s.size)
	chunk := min(1<<bits.Len(uint(s.size-1)), sortChunk)
	if s.size > chunk && s.keys.Kind == 0 {
		s.keys = s.l.temporary(int64(s.count()*s.size) * int64(s.keyDType().Size()))
	}
	s.chunks(chunk, true)
	for run := chunk; run < s.size; run *= 2 {
		s.compare(run, true)
		for apart := run / 2; apart >= chunk; apart /= 2 {
			s.compare(apart, false)
		}
		s.chunks(chunk, false)
	}
}

// chunks emits what happens within chunks: fresh ones are sorted, others merged.
func (s *sorter) chunks(chunk int, fresh bool) {
	parts, together := (s.size+chunk-1)/chunk, 1 // chunks of a line, and lines of a threadgroup
	if parts == 1 {
		together = max(1, min(s.count(), groupThreads/chunk))
	}
	slots := together * chunk
	k := Kernel{Threads: min(sortThreads, s.l.limits.Threads, max(32, slots/2)),
		Params: []Param{{Name: "order", DType: ir.I32}}, Shared: []Shared{{"key", valueType(s.keyDType()), slots}, {"place", "int", slots}}}
	args := []Arg{s.order}
	if s.keys.Kind != 0 {
		k.Params, args = append(k.Params, Param{Name: "keys", DType: s.keyDType()}), append(args, s.keys)
	}
	what := "merge"
	if fresh {
		what = "sort"
		k.Params, args = append(k.Params, Param{Name: "from", DType: s.dtype}), append(args, s.source)
	}
	t := newText()
	t.line("uint part = group.x %% %du * %du;", parts, chunk)
	t.line("%s first = (%s)(group.x / %du) * %du;", s.index, s.index, parts, together)
	s.eachSlot(t, slots, chunk, k.Threads)
	if fresh {
		t.line("%s x = from[at];", memoryType(s.dtype))
		t.line("key[s] = %s;", s.key)
		t.line("place[s] = (int)i;")
	} else {
		t.line("key[s] = keys[at];")
		t.line("place[s] = order[at];")
	}
	t.line("}")
	t.line("}")
	s.network(t, slots, chunk, k.Threads, fresh)
	s.eachSlot(t, slots, chunk, k.Threads)
	if s.keys.Kind != 0 {
		t.line("keys[at] = key[s];")
	}
	t.line("order[at] = place[s];")
	t.line("}")
	t.line("}")
	k.Body = t.String()
	s.l.call(what+"_"+s.dtype.String(), k, [3]int{(s.count() + together - 1) / together * parts, 1, 1}, args...)
}

// eachSlot opens a loop over the pairs in threadgroup memory, and a block for
// those that have an element, which lies at.
func (s *sorter) eachSlot(t *text, slots, chunk, threads int) {
	t.line("for (uint s = local; s < %du; s += %du) {", slots, threads)
	t.line("uint i = part + s %% %du;", chunk)
	t.line("%s line = first + s / %du;", s.index, chunk)
	t.line("if (i < %du && line < %du) {", s.size, s.count())
	t.line("%s at = %s;", s.index, s.at("line", "i"))
}

// network writes the text that sorts the pairs of each chunk, or merges its
// halves.
func (s *sorter) network(t *text, slots, chunk, threads int, fresh bool) {
	begin := chunk
	if fresh {
		begin = 2
	}
	t.line("for (uint run = %du; run <= %du; run *= 2u) {", begin, chunk)
	t.line("for (uint apart = run / 2u; apart > 0u; apart /= 2u) {")
	t.line("barrier();")
	t.line("for (uint t = local; t < %du; t += %du) {", slots/2, threads)
	t.line("uint a = 2u * t - (t & (apart - 1u)), b = a + apart;")
	if fresh {
		t.line("if (apart == run / 2u) b = a ^ (run - 1u);")
	}
	t.line("if (part + b %% %du < %du && first + b / %du < %du && (key[a] > key[b] || (key[a] == key[b] && place[a] > place[b]))) {",
		chunk, s.size, chunk, s.count())
	t.line("%s k = key[a];", valueType(s.keyDType()))
	t.line("int p = place[a];")
	t.line("key[a] = key[b];")
	t.line("place[a] = place[b];")
	t.line("key[b] = k;")
	t.line("place[b] = p;")
	t.line("}")
	t.line("}")
	t.line("}")
	t.line("}")
	t.line("barrier();")
}

// compare emits one step of the network in memory: of pairs that lie apart, or
// of the two halves of runs, one of them reversed.
func (s *sorter) compare(apart int, reversed bool) {
	pairs := (s.size + 2*apart - 1) / (2 * apart) * apart
	b := block{what: fmt.Sprintf("sort_step_%s", s.keyDType()), units: s.count() * pairs, index: wide(s.count() * pairs), args: []Arg{s.keys, s.order},
		params: []Param{{Name: "keys", DType: s.keyDType(), Write: true}, {Name: "order", DType: ir.I32, Write: true}}}
	b.body = func(t *text) {
		t.line("%s line = i / %du;", b.index, pairs)
		t.line("%s t = i %% %du;", b.index, pairs)
		t.line("%s a = 2u * t - t %% %du;", b.index, apart)
		if reversed {
			t.line("%s b = a ^ %du;", b.index, 2*apart-1)
		} else {
			t.line("%s b = a + %du;", b.index, apart)
		}
		t.line("if (b < %du) {", s.size)
		t.line("a = %s;", s.at("line", "a"))
		t.line("b = %s;", s.at("line", "b"))
		t.line("%s ka = keys[a], kb = keys[b];", valueType(s.keyDType()))
		t.line("int pa = order[a], pb = order[b];")
		t.line("if (ka > kb || (ka == kb && pa > pb)) {")
		t.line("keys[a] = kb;")
		t.line("keys[b] = ka;")
		t.line("order[a] = pb;")
		t.line("order[b] = pa;")
		t.line("}")
		t.line("}")
	}
	s.l.emit(b)
}

// sortedIndex emits the sort of lines of an index, whose elements name one of n
// each, and returns what they name, in order, and which ones they are.
func (l *lowerer) sortedIndex(index *ir.Value, along lines, n int) (keys, order Arg) {
	bytes := int64(index.Shape.Elems()) * int64(ir.I32.Size())
	s := &sorter{lines: along, l: l, source: l.read(index), dtype: index.DType, key: "(int)" + clamped(index.DType, "x", n),
		order: l.temporary(bytes), keys: l.temporary(bytes)}
	s.emit()
	return s.keys.asRead(), s.order.asRead()
}
