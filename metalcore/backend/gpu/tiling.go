package gpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// tiling is how threadgroups share a product: each computes a tile of m x n
// results, by k elements of each operand at a time, and each of its SIMD groups,
// or of its threads, a rectangle of those.
type tiling struct {
	m, n, k      int
	down, across int  // SIMD groups or threads along m and n
	matrices     bool // SIMD groups multiply matrices of 8 x 8
}

// matrixTiles have rectangles of 16 or 32 rows and columns.
var matrixTiles = []tiling{
	{64, 64, 16, 2, 2, true}, {64, 32, 16, 2, 2, true}, {32, 64, 16, 2, 2, true}, {32, 32, 16, 2, 2, true}, {64, 16, 16, 4, 1, true},
	{16, 64, 16, 1, 4, true}, {32, 16, 16, 2, 1, true}, {16, 32, 16, 1, 2, true}, {16, 16, 16, 1, 1, true},
}

// threadTiles have rectangles of 4 or 8 rows and columns.
var threadTiles = []tiling{
	{128, 128, 8, 16, 16, false}, {64, 64, 16, 8, 16, false}, {64, 32, 16, 16, 8, false}, {32, 64, 16, 8, 16, false},
	{32, 32, 16, 8, 8, false}, {64, 16, 16, 16, 4, false}, {16, 64, 16, 4, 16, false}, {32, 16, 16, 8, 4, false}, {16, 32, 16, 4, 8, false},
}

func (c *tiling) threads() int {
	if c.matrices {
		return c.down * c.across * 32
	}
	return c.down * c.across
}

// rows and cols are those of a rectangle.
func (c *tiling) rows() int { return c.m / c.down }
func (c *tiling) cols() int { return c.n / c.across }

// chooseTile takes large tiles, for which each operand is read less often, unless
// the product is small or so few of them would leave most of the GPU idle.
func (c *contraction) chooseTile() {
	d := c.product.DType
	if d == ir.BF16 {
		d = ir.F32 // which it is converted to
	}
	list := threadTiles
	if c.l.dialect.Matrix(d) {
		list = matrixTiles
	}
	m, n := fitting(c.m), fitting(c.n)
	if upTo(c.m, 64)*upTo(c.n, 64)*c.batch < enough/2 {
		m, n = min(m, 32), min(n, 32)
	}
	if upTo(c.m, 128)*upTo(c.n, 128)*c.batch >= enough && min(c.m, c.n) >= 128 {
		m, n = 128, 128
	}
	c.tile = list[0]
	for _, t := range list { // the first one is the largest
		if t.m >= m && t.n >= n && t.m*t.n < c.tile.m*c.tile.n {
			c.tile = t
		}
	}
}

// fitting is the size of a tile for an axis.
func fitting(n int) int {
	switch {
	case n <= 16:
		return 16
	case n <= 32:
		return 32
	}
	return 64
}

// unroll begins a loop that chooses registers.
func (t *text) unroll(i string, n int) {
	t.line("#pragma unroll")
	t.line("for (uint %s = 0u; %s < %du; %s++) {", i, i, n, i)
}

// sums is how many a rectangle has down and across: matrices or numbers.
func (c *contraction) sums() (down, across int) {
	if c.tile.matrices {
		return c.tile.rows() / 8, c.tile.cols() / 8
	}
	return c.tile.rows(), c.tile.cols()
}

// begin declares the sums, and where the rectangle is. The rows and columns of a
// thread's are in fours, which lie between those of the others.
func (c *contraction) begin(t *text) {
	down, across := c.sums()
	who, rows, cols, kind, zero := "local", 4, 4, "float", "0.0f"
	if c.tile.matrices {
		who, rows, cols = "simd", c.tile.rows(), c.tile.cols()
		kind, zero = "simdgroup_float8x8", "make_filled_simdgroup_matrix<float, 8, 8>(0.0f)"
	}
	t.line("uint down = %s, right = %s;", times(over(who, c.tile.across), rows), times(modulo(who, c.tile.across), cols))
	t.line("%s sum[%d][%d];", kind, down, across)
	t.unroll("i", down)
	t.unroll("j", across)
	t.line("sum[i][j] = %s;", zero)
	t.line("}")
	t.line("}")
}

// multiply adds the product of the tiles to the sums.
func (c *contraction) multiply(t *text) {
	steps := c.tile.k
	if c.tile.matrices {
		steps /= 8
	}
	t.unroll("k", steps)
	if c.tile.matrices {
		c.loadMatrices(t)
	} else {
		c.loadNumbers(t)
	}
	down, across := c.sums()
	t.unroll("i", down)
	t.unroll("j", across)
	if c.tile.matrices {
		t.line("simdgroup_multiply_accumulate(sum[i][j], u[i], w[j], sum[i][j]);")
	} else {
		t.line("sum[i][j] = f_fma(u[i], w[j], sum[i][j]);")
	}
	t.line("}")
	t.line("}")
	t.line("}")
}

// loadMatrices reads column k of the matrices of as, and row k of those of bs.
func (c *contraction) loadMatrices(t *text) {
	down, across := c.sums()
	t.line("simdgroup_%s8x8 u[%d], w[%d];", c.element(), down, across)
	for _, v := range []struct {
		name, at string
		s        *matrix
		n, line  int
	}{{"u", "as + %s", &c.a, down, c.line(&c.a, c.tile.m)}, {"w", "bs + %s", &c.b, across, c.line(&c.b, c.tile.n)}} {
		own, k := "down + i * 8u", "k * 8u"
		if v.name == "w" {
			own = "right + i * 8u"
		}
		at := plus(times(k, v.line), own)
		if c.straight(v.s) {
			at = plus(times(factor(own), v.line), k)
		}
		t.unroll("i", v.n)
		t.line("simdgroup_load(%s[i], "+v.at+", %d, 0, %v);", v.name, at, v.line, c.straight(v.s) == (v.name == "w"))
		t.line("}")
	}
}

// loadNumbers reads a thread's part of line k of both tiles.
func (c *contraction) loadNumbers(t *text) {
	t.line("float u[%d], w[%d];", c.tile.rows(), c.tile.cols())
	fours := func(name, tile, own string, n, part, line int) {
		for q := range n / 4 {
			at := plus(own, fmt.Sprintf("%du", q*part*4/n))
			t.line("float4 %s%d = *(threadgroup float4*)(%s + k * %du + %s);", name, q, tile, line, at)
			for j, m := range []string{"x", "y", "z", "w"} {
				t.line("%s[%d] = %s%d.%s;", name, q*4+j, name, q, m)
			}
		}
	}
	fours("u", "as", "down", c.tile.rows(), c.tile.m, c.line(&c.a, c.tile.m))
	fours("w", "bs", "right", c.tile.cols(), c.tile.n, c.line(&c.b, c.tile.n))
}

// results hands the sums over.
func (c *contraction) results(t *text) {
	if c.tile.matrices {
		c.matrixResults(t)
		return
	}
	down, across := c.sums()
	t.unroll("i", down)
	t.line("uint row = m0 + i / 4u * %du + down + i %% 4u;", c.tile.m*4/down)
	if c.n%4 == 0 {
		t.unroll("j", across/4)
		t.line("uint col = n0 + j * %du + right;", c.tile.n*4/across)
		c.give(t, "sum[i][j * 4u]", "sum[i][j * 4u + 1u]", "sum[i][j * 4u + 2u]", "sum[i][j * 4u + 3u]")
	} else {
		t.unroll("j", across)
		t.line("uint col = n0 + j / 4u * %du + right + j %% 4u;", c.tile.n*4/across)
		c.give(t, "sum[i][j]")
	}
	t.line("}")
	t.line("}")
}

// matrixResults hands over eight rows after the other: only in memory are the
// elements of matrices known by their places.
func (c *contraction) matrixResults(t *text) {
	down, across := c.sums()
	width := 1
	if c.n%4 == 0 {
		width = 4
	}
	cols := c.tile.cols()
	t.unroll("i", down)
	t.unroll("j", across)
	t.line("simdgroup_store(sum[i][j], strip + simd * %du + j * 8u, %d);", 8*cols, cols)
	t.line("}")
	t.line("simd_barrier();")
	t.line("for (uint u = lane; u < %du; u += 32u) {", 8*cols/width)
	t.line("uint row = m0 + down + i * 8u + %s, col = n0 + right + %s;", over("u", cols/width), times(modulo("u", cols/width), width))
	if c.n%4 == 0 {
		t.line("float4 sums = *(threadgroup float4*)(strip + simd * %du + u * 4u);", 8*cols)
		c.give(t, "sums.x", "sums.y", "sums.z", "sums.w")
	} else {
		c.give(t, fmt.Sprintf("strip[simd * %du + u]", 8*cols))
	}
	t.line("}")
	t.line("simd_barrier();")
	t.line("}")
}
