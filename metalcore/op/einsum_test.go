package op_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend/conformance/interp"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// A sum of products along the axes that the result does not name.
func ExampleEinsum() {
	q, k := ir.Input("q", ir.F32, ir.Batch, 5, 2, 8), ir.Input("k", ir.F32, ir.Batch, 7, 2, 8)
	fmt.Println(op.Einsum("bqhd,bkhd->bhqk", q, k).Type())
	fmt.Println(op.Try(func() { op.Einsum("ij,jk", q, k) }))
	// Output:
	// f32[B,2,5,7]
	// einsum: [B,5,2,8] x [B,7,2,8]: "ij" names the axes of operand 1, which has 4; use one letter for each axis, or dots for the rest
}

// TestEinsumIsASum holds random specifications against the sum they stand for.
func TestEinsumIsASum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	size := map[byte]int{'a': 2, 'b': 3, 'c': 1, 'd': 4, 'e': 2}
	for range 400 {
		var terms []string
		used := map[byte]bool{}
		for range 1 + r.IntN(3) {
			term := ""
			for range r.IntN(4) {
				letter := "abcde"[r.IntN(5)]
				term += string(letter)
				used[letter] = true
			}
			terms = append(terms, term)
		}
		result := ""
		for _, i := range r.Perm(5) {
			if letter := "abcde"[i]; used[letter] && r.IntN(2) == 0 {
				result += string(letter)
			}
		}
		checkEinsum(t, r, size, terms, result)
	}
}

func checkEinsum(t *testing.T, r *rand.Rand, size map[byte]int, terms []string, result string) {
	spec := strings.Join(terms, ",") + "->" + result
	var in []*ir.Value
	given := map[string][]float64{}
	for i, term := range terms {
		shape := ir.Shape{}
		for j := range len(term) {
			shape = append(shape, size[term[j]])
		}
		x := ir.Input(fmt.Sprint("x", i), ir.F32, shape...)
		for range shape.Elems() {
			given[x.Name] = append(given[x.Name], r.NormFloat64())
		}
		in = append(in, x)
	}
	y := op.Einsum(spec, in...)
	g := ir.NewGraph("einsum", []ir.Output{{Name: "y", Value: y}}, nil)
	got, _, err := interp.Run(g, given, nil)
	if err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	want := make([]float64, y.Shape.Elems())
	place := func(letters string, at map[byte]int) (i int) {
		for j := range len(letters) {
			i = i*size[letters[j]] + at[letters[j]]
		}
		return i
	}
	letters := slices.Compact(slices.Sorted(slices.Values([]byte(strings.Join(terms, "")))))
	var walk func(rest []byte, at map[byte]int)
	walk = func(rest []byte, at map[byte]int) {
		if len(rest) > 0 {
			for i := range size[rest[0]] {
				at[rest[0]] = i
				walk(rest[1:], at)
			}
			return
		}
		product := 1.0
		for i, term := range terms {
			product *= given[in[i].Name][place(term, at)]
		}
		want[place(result, at)] += product
	}
	walk(letters, map[byte]int{})
	for i, w := range want {
		if math.Abs(got["y"][i]-w) > 1e-9 {
			t.Fatalf("%s: element %d is %v, want %v", spec, i, got["y"][i], w)
		}
	}
}

// FuzzEinsum: any text is a specification or an error, and what is accepted
// passes op.Check.
func FuzzEinsum(f *testing.F) {
	for _, spec := range []string{"ij,jk->ik", "...ij,...jk", "ii", "iij,j->i", ",", "->", "i...,...i->...", "a.b", "ij, kl -> jl", "é,é"} {
		f.Add(spec, 5)
	}
	f.Fuzz(func(t *testing.T, spec string, shapes int) {
		var in []*ir.Value
		for i := range strings.Count(spec, ",") + 1 {
			shape := ir.Shape{}
			for j := range uint(shapes>>(i%8)) % 5 {
				shape = append(shape, []int{3, 3, 1, ir.Batch, 0}[(uint(shapes)+j)%5])
			}
			if shape.Check() != nil || i > 20 {
				return
			}
			in = append(in, ir.Input(fmt.Sprint("x", i), ir.F32, shape...))
		}
		var y *ir.Value
		if op.Try(func() { y = op.Einsum(spec, in...) }) == nil {
			if err := op.Check(ir.NewGraph("fuzz", []ir.Output{{Name: "y", Value: y}}, nil)); err != nil {
				t.Errorf("%q: %v", spec, err)
			}
		}
	})
}
