package gpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

func init() {
	register(map[string]lowering{
		"maxpool2d":      pool((*pooling).largest, false),
		"avgpool2d":      pool((*pooling).mean, false),
		"maxpool2d_grad": pool((*pooling).largestGrad, true),
		"avgpool2d_grad": pool((*pooling).meanGrad, true),
	})
}

// pooling writes the text of a window that moves over images x and gives images
// y. A thread computes one pixel of one channel, or of four neighbouring ones.
type pooling struct {
	v                   *ir.Value
	x, y                ir.Shape
	window, stride, pad []int
	index               string
	lanes               int // channels of a thread
}

// pool emits the work of a thread for each pixel of the result.
func pool(body func(p *pooling, t *text), grad bool) lowering {
	return func(l *lowerer, v *ir.Value) error {
		p := &pooling{v: v, x: v.In[0].Shape, y: v.Shape, window: v.Ints("window"), stride: v.Ints("stride"), pad: v.Ints("pad"), lanes: 1}
		if grad {
			p.x, p.y = v.Shape, v.In[len(v.In)-1].Shape
		}
		if v.Shape[3]%4 == 0 {
			p.lanes = 4
		}
		p.index = indexType(append([]*ir.Value{v}, v.In...)...)
		b := block{what: v.Op, units: v.Shape.Elems() / p.lanes, index: p.index}
		for i, in := range v.In {
			b.args, b.params = append(b.args, l.read(in)), append(b.params, Param{Name: fmt.Sprint("x", i), DType: in.DType})
		}
		b.args, b.params = append(b.args, l.write(v)), append(b.params, Param{Name: "y0", DType: v.DType, Write: true})
		b.body = func(t *text) { body(p, t) }
		l.emit(b)
		return nil
	}
}

// locate declares the pixel that the thread computes, of an image of the given
// shape: image n, row, column, and channel c.
func (p *pooling) locate(t *text, shape ir.Shape, row, column string) {
	t.line("%s rest = i;", p.index)
	t.line("uint c = %s;", times(fmt.Sprintf("rest %% %du", shape[3]/p.lanes), p.lanes))
	t.line("rest /= %du;", shape[3]/p.lanes)
	t.line("int %s = (int)(rest %% %du);", column, shape[2])
	t.line("rest /= %du;", shape[2])
	t.line("int %s = (int)(rest %% %du);", row, shape[1])
	t.line("uint n = rest / %du;", shape[1])
}

// place is where a pixel of an image of the given shape lies.
func (p *pooling) place(shape ir.Shape, row, column string) string {
	return fmt.Sprintf("(((%s)n * %du + %s) * %du + %s) * %du + c", p.index, shape[1], row, shape[2], column, shape[3])
}

// loop begins a loop; the text's next } ends it.
func loop(t *text, i, first, end string) {
	t.line("for (int %s = %s; %s < %s; %s++) {", i, first, i, end, i)
}

// bounds declares the rows r0 to r1 and columns q0 to q1 of x in the window of
// pixel oh, ow of y.
func (p *pooling) bounds(t *text) {
	for a, name := range []string{"r", "q"} {
		t.line("int %s0 = %s * %d - %d, %s1 = i_smaller(%s0 + %d, %d);", name, []string{"oh", "ow"}[a], p.stride[a], p.pad[2*a],
			name, name, p.window[a], p.x[1+a])
		t.line("%s0 = i_larger(%s0, 0);", name, name)
	}
}

// overWindow begins loops over the pixels r, q of the window.
func (p *pooling) overWindow(t *text) {
	p.bounds(t)
	loop(t, "r", "r0", "r1")
	loop(t, "q", "q0", "q1")
}

// overWindows begins loops over the pixels oh, ow of y whose windows have the pixel
// h, w of x.
func (p *pooling) overWindows(t *text) {
	for a, name := range []string{"oh", "ow"} {
		at := fmt.Sprintf("%s + %d", []string{"h", "w"}[a], p.pad[2*a])
		first := fmt.Sprintf("i_larger(%s - %d, 0) / %d", at, p.window[a]-p.stride[a], p.stride[a])
		loop(t, name, first, fmt.Sprintf("i_smaller((%s) / %d + 1, %d)", at, p.stride[a], p.y[1+a]))
	}
}

// each calls f with the suffix that names of each channel have.
func (p *pooling) each(f func(lane string)) {
	for k := range p.lanes {
		f(fmt.Sprint("_", k))
	}
}

// declare declares a number for each channel.
func (p *pooling) declare(t *text, kind, name, x string) {
	p.each(func(lane string) { t.line("%s %s%s = %s;", kind, name, lane, x) })
}

// load declares the channels of a pixel.
func (p *pooling) load(t *text, name, from, at string) {
	d := p.v.DType
	if p.lanes == 1 {
		t.line("float %s_0 = %s;", name, loaded(d, fmt.Sprintf("%s[%s]", from, at)))
		return
	}
	t.line("%s4 %s = *(device const %s4*)(%s + %s);", memoryType(d), name, memoryType(d), from, at)
	for k, m := range []string{"x", "y", "z", "w"} {
		t.line("float %s_%d = %s;", name, k, loaded(d, name+"."+m))
	}
}

// store writes the channels of the thread's pixel.
func (p *pooling) store(t *text, name string) {
	d := p.v.DType
	if p.lanes == 1 {
		t.line("y0[i] = %s;", stored(d, name+"_0"))
		return
	}
	var x [4]any
	for k := range x {
		x[k] = stored(d, fmt.Sprint(name, "_", k))
	}
	t.line("*(device %s4*)(y0 + i * 4u) = make_%s4(%s, %s, %s, %s);", append([]any{memoryType(d), memoryType(d)}, x[:]...)...)
}
