package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/asm"
)

// TestLoops holds each loop against its ops one by one, bit by bit.
func TestLoops(t *testing.T) {
	for _, v := range asm.Supported() {
		for text, loop := range programs[v] {
			for _, n := range []int{1, 7, 16, 100} {
				table, numbers, memory := operands(text, n)
				want := interpret(v, text, table, numbers, n)
				loop(&table[0], &numbers[0], n)
				for i, w := range want {
					got := memory[len(memory)-len(want)+i]
					for k := range w {
						if math.Float32bits(got[k]) != math.Float32bits(w[k]) {
							t.Fatalf("%s, %q: result %d has %v at %d of %d, want %v", v, text, i, got[k], k, n, w[k])
						}
					}
					if got[n] != 7 {
						t.Fatalf("%s, %q: result %d goes beyond its %d elements", v, text, i, n)
					}
				}
			}
		}
	}
	if asm.Best() > asm.Go && len(programs[asm.Best()]) == 0 {
		t.Error("there are no loops to test")
	}
}

// operands makes random ones for a text, and room for its results, each with a 7
// behind it.
func operands(text string, n int) (table []unsafe.Pointer, numbers []float32, memory [][]float32) {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	body, results, _ := strings.Cut(text, "=")
	vectors := len(strings.Fields(results))
	for i := 0; strings.Contains(body, fmt.Sprint("v", i)); i++ {
		vectors++
	}
	for range vectors {
		x := make([]float32, n+1)
		for i := range n {
			x[i] = float32(r.NormFloat64())
		}
		x[n] = 7
		memory = append(memory, x)
		table = append(table, unsafe.Pointer(&x[0]))
	}
	for range 10 {
		numbers = append(numbers, r.Float32())
	}
	return table, numbers, memory
}

// interpret computes the results of a text op by op.
func interpret(v asm.Variant, text string, table []unsafe.Pointer, numbers []float32, n int) (results [][]float32) {
	body, last, _ := strings.Cut(text, "=")
	var made [][]float32
	at := func(name string) unsafe.Pointer {
		var i int
		fmt.Sscan(name[1:], &i)
		switch name[0] {
		case 'v':
			return table[i]
		case 't':
			return unsafe.Pointer(&made[i][0])
		}
		full := make([]float32, n)
		for k := range full {
			full[k] = numbers[i]
		}
		return unsafe.Pointer(&full[0])
	}
	for node := range strings.SplitSeq(body, "; ") {
		words := strings.Fields(node)
		if len(words) == 0 {
			continue
		}
		in := [3]unsafe.Pointer{}
		for k, name := range words[1:] {
			in[k] = at(name)
		}
		d := make([]float32, n)
		Find(v, words[0], 0)(unsafe.Pointer(&d[0]), in[0], in[1], in[2], n)
		made = append(made, d)
	}
	for _, name := range strings.Fields(last) {
		results = append(results, unsafe.Slice((*float32)(at(name)), n))
	}
	return results
}
