package cpu

import "github.com/metalnb/metalnb/metalcore/ir"

func init() {
	register(map[string]maker{"random": makeRandom, "stop_gradient": makeCopy})
}

func makeRandom(c *compiler, v *ir.Value) (kernel, error) {
	dst, seed, step, n := c.id(v), c.id(v.In[0]), c.id(v.In[1]), v.Shape.Elems()
	stream := uint32(v.Int("stream"))
	part := func(fr *frame, _, lo, hi int) {
		key := [2]uint32{uint32(view[int32](fr, seed)[0]), stream}
		drawBlocks(fr.vals[dst], key, uint32(view[int32](fr, step)[0]), lo, hi)
	}
	return func(fr *frame) { fr.pool.run(fr, (n+3)/4, costlyGrain, part) }, nil
}

// drawBlocks writes the blocks lo to hi of four numbers each.
func drawBlocks(d []float32, key [2]uint32, step uint32, lo, hi int) {
	for block := lo; block < hi; block++ {
		words := philox(uint32(block), uint32(uint64(block)>>32), step, key)
		for i, w := range words[:min(4, len(d)-4*block)] {
			d[4*block+i] = float32(w>>8) * (1.0 / (1 << 24))
		}
	}
}

// philox is Philox 4x32-10 (Salmon and others 2011) for the counter
// (c0, c1, c2, 0).
func philox(c0, c1, c2 uint32, key [2]uint32) [4]uint32 {
	k0, k1, c3 := key[0], key[1], uint32(0)
	for range 10 {
		a, b := uint64(c0)*0xD2511F53, uint64(c2)*0xCD9E8D57
		c0, c1, c2, c3 = uint32(b>>32)^c1^k0, uint32(b), uint32(a>>32)^c3^k1, uint32(a)
		k0 += 0x9E3779B9
		k1 += 0xBB67AE85
	}
	return [4]uint32{c0, c1, c2, c3}
}
