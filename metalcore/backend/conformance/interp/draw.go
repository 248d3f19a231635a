package interp

import "github.com/metalnb/metalnb/metalcore/ir"

var drawKernels = map[string]kernel{"random": random}

func random(v *ir.Value, in [][]float64) []float64 {
	key := [2]uint32{uint32(int32(in[0][0])), uint32(v.Int("stream"))}
	return fill(v.Shape.Elems(), func(i int) float64 {
		block := uint64(i / 4)
		counter := [4]uint32{uint32(block), uint32(block >> 32), uint32(int32(in[1][0]))}
		return float64(philox(counter, key)[i%4]>>8) / (1 << 24)
	})
}

// philox is Philox 4x32-10 of Salmon and others (2011).
func philox(c [4]uint32, key [2]uint32) [4]uint32 {
	for range 10 {
		a, b := 0xD2511F53*uint64(c[0]), 0xCD9E8D57*uint64(c[2])
		c = [4]uint32{uint32(b>>32) ^ c[1] ^ key[0], uint32(b), uint32(a>>32) ^ c[3] ^ key[1], uint32(a)}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return c
}
