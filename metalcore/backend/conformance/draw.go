package conformance

import (
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// draw holds random numbers to the interpreter's, bit by bit, and to the known
// answer of Philox for a key and counter of zeros.
func (s *suite) draw(t T) {
	seed, step := i32("seed"), i32("step")
	for _, shape := range []ir.Shape{{}, {1}, {3}, {4}, {5}, {1021}, {7, 9}, {0, 3}, {70001}} {
		for _, stream := range []int{0, 1, 1<<31 - 1} {
			s.check(t, op.Random(seed, step, stream, shape), nil, exact)
			s.check(t, op.Random(seed, step, stream, shape), data{"seed": {-1 << 31}, "step": {1 << 30}}, exact)
		}
	}
	y := op.Random(ir.Const(0, ir.I32), step, 0, ir.Shape{4})
	out, _, err := s.run(graphOf(y), data{"step": {0}}, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	if s.dry || s.build {
		return
	}
	for i, word := range []uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8} {
		if got := out["y"][i] * (1 << 24); got != float64(word>>8) {
			t.Errorf("random number %d is %v / 2^24, want %d", i, got, word>>8)
		}
	}
}
