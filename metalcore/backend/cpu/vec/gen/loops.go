package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// loop is a list of ops that one pass over memory computes, in the text of
// vec.FindLoop.
type loop struct{ name, text string }

// loops are the updates of a parameter by common optimizers, and the gradient
// of relu.
var loops = []loop{
	{"adam", "mul.f32 n0 v0; fma.f32 n1 v1 t0; mul.f32 v0 v0; mul.f32 n2 t2; fma.f32 n3 v2 t3; sqrt.f32 t4; " +
		"fma.f32 t5 n4 n5; div.f32 t1 t6; fnma.f32 n6 t7 v3; = t1 t4 t8"},
	{"sgd", "fnma.f32 n0 v0 v1; = t0"},
	{"momentum", "fma.f32 n0 v0 v1; fnma.f32 n1 t0 v2; = t0 t1"},
	{"nesterov", "fma.f32 n0 v0 v1; fma.f32 n0 t0 v1; fnma.f32 n1 t1 v2; = t0 t2"},
	{"momentumDecay", "fma.f32 n0 v0 v1; fma.f32 n1 v2 t0; fnma.f32 n2 t1 v0; = t1 t2"},
	{"adamDecay", "fma.f32 n0 v0 v1; mul.f32 n1 t0; fma.f32 n2 v2 t1; mul.f32 t0 t0; mul.f32 n3 t3; fma.f32 n4 v3 t4; " +
		"sqrt.f32 t5; fma.f32 t6 n5 n6; div.f32 t2 t7; fnma.f32 n7 t8 v0; = t2 t5 t9"},
	{"amsgrad", "mul.f32 n0 v0; fma.f32 n1 v1 t0; mul.f32 v0 v0; mul.f32 n2 t2; fma.f32 n3 v2 t3; max.f32 v3 t4; " +
		"sqrt.f32 t5; fma.f32 t6 n4 n5; div.f32 t1 t7; fnma.f32 n6 t8 v4; = t1 t4 t5 t9"},
	{"adamw", "fnma.f32 n0 v0 v0; mul.f32 n1 v1; fma.f32 n2 v2 t1; mul.f32 v1 v1; mul.f32 n3 t3; fma.f32 n4 v3 t4; " +
		"sqrt.f32 t5; fma.f32 t6 n5 n6; div.f32 t2 t7; fnma.f32 n7 t8 t0; = t2 t5 t9"},
	{"nadam", "mul.f32 v0 v0; mul.f32 n0 t0; fma.f32 n1 v1 t1; div.f32 t2 n2; sqrt.f32 t3; add.f32 t4 n3; " +
		"div.f32 v0 t5; mul.f32 n4 v0; fma.f32 n5 v2 t7; div.f32 t8 t5; mul.f32 n6 t9; fma.f32 n7 t6 t10; " +
		"sub.f32 v3 t11; = t2 t8 t12"},
	{"rmsprop", "mul.f32 v0 v0; mul.f32 n0 t0; fma.f32 n1 v1 t1; sqrt.f32 t2; add.f32 t3 n2; div.f32 v0 t4; " +
		"fnma.f32 n3 t5 v2; = t2 t6"},
	{"rmspropMomentum", "mul.f32 v0 v0; mul.f32 n0 t0; fma.f32 n1 v1 t1; sqrt.f32 t2; add.f32 t3 n2; div.f32 v0 t4; " +
		"fma.f32 n3 v2 t5; fnma.f32 n4 t6 v3; = t2 t6 t7"},
	{"adagrad", "fma.f32 v0 v0 v1; sqrt.f32 t0; add.f32 t1 n0; div.f32 v0 t2; fnma.f32 n1 t3 v2; = t0 t4"},
	{"adadelta", "add.f32 v0 n0; sqrt.f32 t0; mul.f32 v1 v1; mul.f32 n1 t2; fma.f32 n2 v2 t3; add.f32 t4 n0; " +
		"sqrt.f32 t5; div.f32 t1 t6; mul.f32 t7 v1; fnma.f32 n3 t8 v3; mul.f32 t8 t8; mul.f32 n1 t10; " +
		"fma.f32 n2 v0 t11; = t4 t9 t12"},
	{"lion", "mul.f32 n0 v0; fma.f32 n1 v1 t0; sign.f32 t1; fnma.f32 n2 t2 v2; = t3"},
	{"average", "mul.f32 n0 v0; fma.f32 n1 v1 t0; = t1"},
	{"reluGrad", "lt.f32 n0 v0; select t0 v1 n0; = t1"},
}

// loopText is the text of a loop, taken apart.
type loopText struct {
	nodes            [][]string // op and operands
	results          []string
	vectors, numbers int
}

func parse(l loop) *loopText {
	body, results, _ := strings.Cut(l.text, "=")
	c := &loopText{results: strings.Fields(results)}
	for node := range strings.SplitSeq(body, ";") {
		if words := strings.Fields(node); len(words) > 0 {
			c.nodes = append(c.nodes, words)
		}
	}
	for _, n := range c.nodes {
		for _, o := range n[1:] {
			switch i := index(o); o[0] {
			case 'v':
				c.vectors = max(c.vectors, i+1)
			case 'n':
				c.numbers = max(c.numbers, i+1)
			}
		}
	}
	return c
}

func index(name string) (i int) {
	if _, err := fmt.Sscan(name[1:], &i); err != nil {
		panic(err)
	}
	return i
}

// evaluate writes the ops and returns the results.
func (c *loopText) evaluate(e maths, vectors []vec, number func(i int) vec) (results []vec) {
	var made []vec
	all := ops()
	for _, node := range c.nodes {
		o := all[slices.IndexFunc(all, func(o elementwise) bool { return o.name == node[0] })]
		x := make([]vec, len(node)-1)
		for k, name := range node[1:] {
			switch i := index(name); name[0] {
			case 'v':
				x[k] = vectors[i]
			case 't':
				x[k] = made[i]
			default:
				x[k] = number(i)
			}
		}
		made = append(made, o.emit(e, x))
	}
	for _, name := range c.results {
		results = append(results, made[index(name)])
	}
	return results
}

// loopCode is the function of a loop while it is written.
type loopCode struct {
	*emitter
	*loopText
	bases  []reg.Register // of the vectors, then of the results
	nums   []reg.VecVirtual
	number reg.Register // where the numbers lie
	at     reg.Register // bytes from the bases
}

// program writes the function of a loop: whole vectors, and the rest under a mask.
func (e *emitter) program(l loop) string {
	c := &loopCode{emitter: e, loopText: parse(l)}
	name := symbol(l.name, "Loop", e.isa)
	e.Function(name)
	e.Attributes(attr.NOSPLIT)
	e.SignatureExpr("func(vectors *byte, numbers *float32, n int)") // avo does not know unsafe.Pointer
	table := e.Load(e.Param("vectors"), e.GP64())
	for i := range c.vectors + len(c.results) {
		base := e.GP64()
		e.MOVQ(Mem{Base: table, Disp: 8 * i}, base)
		c.bases = append(c.bases, base)
	}
	c.number = e.Load(e.Param("numbers"), e.GP64())
	n := e.Load(e.Param("n"), e.GP64())
	c.at = e.GP64()
	e.XORQ(c.at, c.at)
	if e.wide { // there are registers for all of them
		for i := range c.numbers {
			c.nums = append(c.nums, c.broadcast(i))
		}
	}
	e.Label(name + "_loop")
	e.CMPQ(n, U32(e.width()))
	e.JLT(LabelRef(name + "_rest"))
	c.pass(nil)
	e.ADDQ(U32(4*e.width()), c.at)
	e.SUBQ(U32(e.width()), n)
	e.JMP(LabelRef(name + "_loop"))
	e.Label(name + "_rest")
	e.TESTQ(n, n)
	e.JZ(LabelRef(name + "_end"))
	c.pass(e.tail(n))
	e.Label(name + "_end")
	e.VZEROUPPER()
	e.RET()
	return name
}

func (c *loopCode) broadcast(i int) reg.VecVirtual {
	r := c.vec()
	c.VBROADCASTSS(Mem{Base: c.number, Disp: 4 * i}, r)
	return r
}

// pass computes one vector of everything, or what a mask says of it.
func (c *loopCode) pass(m mask) {
	vectors := make([]vec, c.vectors)
	for i := range vectors {
		from := Mem{Base: c.bases[i], Index: c.at, Scale: 1}
		if m != nil {
			vectors[i] = c.loadMasked(from, m)
			continue
		}
		r := c.vec()
		c.VMOVUPS(from, r)
		vectors[i] = r
	}
	number := func(i int) vec {
		if c.wide {
			return c.nums[i]
		}
		return c.broadcast(i)
	}
	for i, y := range c.evaluate(c.maths, vectors, number) {
		to := Mem{Base: c.bases[c.vectors+i], Index: c.at, Scale: 1}
		if m != nil {
			c.storeMasked(y, m, to)
		} else {
			c.VMOVUPS(y, to)
		}
	}
}
