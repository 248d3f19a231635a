package runtime

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// Import says how another program's file of weights is read.
type Import struct {
	Names   map[string]string // what the file calls a state, "dense_1/weight", or a layer, "dense_1"
	Torch   bool              // it has PyTorch's names of a layer's parts, and its order of axes
	Partial bool              // states that it does not have stay what they are
}

// torch are PyTorch's names of the parts of layers.
var torch = map[string]string{"weight": "weight", "kernel": "weight", "scale": "weight", "table": "weight", "slope": "weight",
	"bias": "bias", "mean": "running_mean", "variance": "running_var"}

// candidates are what a file may call a state.
func (m *Import) candidates(state string) []string {
	if name := m.Names[state]; name != "" {
		return []string{name}
	}
	layer, part, _ := strings.Cut(state, "/")
	if other := torch[part]; m.Torch && other != "" {
		part = other
	}
	if name := m.Names[layer]; name != "" {
		layer = name
	}
	return []string{layer + "/" + part, layer + "." + part}
}

// Import copies weights out of a file in the format safetensors that any program
// wrote. The optimizer, the counters and the history stay what they are.
func (t *Trainer) Import(path string, how Import) error {
	f, err := checkpoint.Import(path, t.session.core.Limit())
	if errors.Is(err, fs.ErrNotExist) {
		return wrap(BadRequest, "a path that begins with no / is looked for beside the notebook", err)
	}
	if err != nil {
		return wrap(BadRequest, "", err)
	}
	if err := how.check(t.States()); err != nil {
		return err
	}
	values, err := how.match(t.States(), f)
	if err != nil {
		return wrap(BadRequest, "say what the file calls them, like nb.Weights{Names: map[string]string{\"dense_1\": \"fc1\"}}; Torch: true is for files of PyTorch, "+
			"and with Partial: true the others stay as they are", fmt.Errorf("%s: %w", path, err))
	}
	t.change.Lock()
	defer t.change.Unlock()
	if t.Running() {
		return t.busy("be given other weights")
	}
	if err := t.Assign(values); err != nil {
		return classify(err)
	}
	was, err := t.Snapshot(context.Background())
	if err != nil {
		return classify(err)
	}
	t.kept.setSnapshot(was, was.Time)
	t.kept.say("")
	t.changed()
	return nil
}

// check reports a name that nothing in the model has.
func (m *Import) check(states []*ir.Value) error {
	known, names := map[string]bool{}, []string{}
	for _, v := range states {
		layer, _, _ := strings.Cut(v.Name, "/")
		known[layer], known[v.Name] = true, true
		names = append(names, v.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Names)) {
		if !known[name] {
			return errorf(BadRequest, "the model has "+list(names), "nothing in the model is called %q", name)
		}
	}
	return nil
}

// match finds the arrays of the states, or tells which are missing.
func (m *Import) match(states []*ir.Value, f *checkpoint.File) (map[string]feed.Array, error) {
	arrays, unused := map[string]*checkpoint.Array{}, []string{}
	for i := range f.Arrays {
		arrays[f.Arrays[i].Name] = &f.Arrays[i]
	}
	values, used, missing := map[string]feed.Array{}, map[string]bool{}, []string{}
	for _, v := range states {
		var a *checkpoint.Array
		names := m.candidates(v.Name)
		for _, name := range names {
			if a == nil {
				a = arrays[name]
			}
		}
		if a == nil {
			text := fmt.Sprintf("%s %v", v.Name, v.Shape)
			if names[0] != v.Name {
				text += " by the name " + strings.Join(names, " or ")
			}
			missing = append(missing, text)
			continue
		}
		used[a.Name] = true
		x, err := m.fit(v, a)
		if err != nil {
			return nil, err
		}
		values[v.Name] = x
	}
	for _, a := range f.Arrays {
		if !used[a.Name] {
			unused = append(unused, fmt.Sprintf("%s %v", a.Name, ir.Shape(a.Shape)))
		}
	}
	if len(values) == 0 || len(missing) > 0 && !m.Partial {
		return nil, fmt.Errorf("it has nothing for %s; what it has besides is %s", list(missing), list(unused))
	}
	return values, nil
}

// mostListed is how many names a message lists.
const mostListed = 20

func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	if n := len(names) - mostListed; n > 0 {
		names = append(slices.Clone(names[:mostListed]), fmt.Sprintf("%d more", n))
	}
	return strings.Join(names, ", ")
}

// fit is an array in the type and shape of a state.
func (m *Import) fit(v *ir.Value, a *checkpoint.Array) (feed.Array, error) {
	x := feed.Array{Shape: slices.Clone(a.Shape), Data: a.Data}
	if a.Type == "F64" {
		x.DType, x.Data = ir.F32, singles(a.Data)
	} else {
		var err error
		if x.DType, err = a.DType(); err != nil {
			return x, err
		}
	}
	x = x.Cast(v.DType)
	_, part, _ := strings.Cut(v.Name, "/")
	if m.Torch && (part == "weight" || part == "kernel") {
		x = reversed(x)
	}
	if part == "kernel" && len(x.Shape) == len(v.Shape)-1 { // of a convolution over sequences
		x.Shape = append(ir.Shape{1}, x.Shape...)
	}
	if !x.Shape.Equal(v.Shape) {
		return x, fmt.Errorf("%s is %v, and %s of the file is %v", v.Name, v.Shape, a.Name, ir.Shape(a.Shape))
	}
	return x, nil
}

// singles rounds doubles.
func singles(data []byte) []byte {
	out := make([]byte, 0, len(data)/2)
	for ; len(data) > 0; data = data[8:] {
		x := math.Float64frombits(binary.LittleEndian.Uint64(data))
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(x)))
	}
	return out
}

// reversed is a weight [out,in] as [in,out], or a kernel [out,in,height,width] as
// [height,width,in,out].
func reversed(a feed.Array) feed.Array {
	if len(a.Shape) < 2 {
		return a
	}
	out, in, size := a.Shape[0], a.Shape[1], a.DType.Size()
	window := ir.Shape(a.Shape[2:]).Elems()
	b := feed.Array{DType: a.DType, Shape: append(slices.Clone(a.Shape[2:]), in, out), Data: make([]byte, len(a.Data))}
	for o := range out {
		for i := range in {
			for w := range window {
				from, to := ((o*in+i)*window+w)*size, ((w*in+i)*out+o)*size
				copy(b.Data[to:to+size], a.Data[from:from+size])
			}
		}
	}
	return b
}
