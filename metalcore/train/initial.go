package train

import (
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// initialisers give a parameter's first numbers, one at a time, from the
// numbers of inputs and outputs that one of its outputs and inputs sees.
var initialisers = map[string]func(fanIn, fanOut float64, src source) float32{
	"zeros": func(_, _ float64, _ source) float32 { return 0 },
	"ones":  func(_, _ float64, _ source) float32 { return 1 },
	// He, Zhang, Ren, Sun 2015.
	"he_normal":  func(in, _ float64, src source) float32 { return float32(math.Sqrt(2/in) * src.normal()) },
	"he_uniform": func(in, _ float64, src source) float32 { return float32(math.Sqrt(6/in) * src.uniform()) },
	// Glorot, Bengio 2010.
	"glorot_normal":  func(in, out float64, src source) float32 { return float32(math.Sqrt(2/(in+out)) * src.normal()) },
	"glorot_uniform": func(in, out float64, src source) float32 { return float32(math.Sqrt(6/(in+out)) * src.uniform()) },
	// LeCun, Bottou, Orr, Müller 1998.
	"lecun_normal":  func(in, _ float64, src source) float32 { return float32(math.Sqrt(1/in) * src.normal()) },
	"lecun_uniform": func(in, _ float64, src source) float32 { return float32(math.Sqrt(3/in) * src.uniform()) },
	"normal":        func(_, _ float64, src source) float32 { return float32(0.02 * src.normal()) },
	"unit_normal":   func(_, _ float64, src source) float32 { return float32(src.normal()) },
	"quarter":       func(_, _ float64, _ source) float32 { return 0.25 },
}

// InitNames lists the initialisers that a parameter may have.
func InitNames() []string { return slices.Sorted(maps.Keys(initialisers)) }

// initial returns a state's first value. It depends on the seed, the state's
// name and its type, so that a new layer leaves the others' weights as they
// were.
func initial(v *ir.Value, seed int64) feed.Array {
	n := v.Shape.Elems()
	if !v.DType.Float() {
		return feed.Array{DType: v.DType, Shape: v.Shape, Data: make([]byte, v.Bytes())}
	}
	h := fnv.New64a()
	h.Write([]byte(v.Name))
	src := source{rand.NewPCG(uint64(seed), h.Sum64())}
	fanIn, fanOut := fans(v.Shape)
	fill := initialisers[v.Str(ir.AttrInit)]
	xs := make([]float32, n)
	for i := range xs {
		xs[i] = fill(fanIn, fanOut, src)
	}
	return feed.FromF32(xs, v.Shape...).Cast(v.DType)
}

// fans reads a shape as a dense layer's weights [in,out] or a convolution's
// kernel [height,width,in,out]; a vector has as many inputs as elements.
func fans(s ir.Shape) (in, out float64) {
	switch len(s) {
	case 0:
		return 1, 1
	case 1:
		return float64(max(s[0], 1)), float64(max(s[0], 1))
	}
	window := max(s[:len(s)-2].Elems(), 1)
	return float64(max(window*s[len(s)-2], 1)), float64(max(window*s[len(s)-1], 1))
}

// source draws random numbers from a generator whose output is fixed by its
// algorithm, unlike that of rand.Rand's methods.
type source struct{ *rand.PCG }

// unit is uniform in (0,1].
func (s source) unit() float64 { return (float64(s.Uint64()>>11) + 1) / (1 << 53) }

// uniform is uniform in (-1,1].
func (s source) uniform() float64 { return 2*s.unit() - 1 }

// normal is standard normal (Box and Muller 1958).
func (s source) normal() float64 {
	r := math.Sqrt(-2 * math.Log(s.unit()))
	return r * math.Cos(2*math.Pi*s.unit())
}
