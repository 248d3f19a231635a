package nb

import (
	"maps"
	"slices"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Weights says how Load finds weights in a file that another program wrote.
type Weights struct {
	Names   map[string]string // what the file calls a layer, {"dense_1": "fc1"}, or a parameter, {"dense_1/bias": "b1"}; as here when it is left out
	Torch   bool              // the file has PyTorch's names of a layer's parts and its order of axes, see Load
	Partial bool              // parameters that the file does not have stay what they are
}

// Load copies weights out of a file in the format safetensors that any program
// wrote, found by their names, "dense_1/weight" or "dense_1.weight"; LoadWith says
// which other ones the file has. Numbers of other types are converted. A shape that
// differs is an error, and so is a parameter that the file does not have; arrays that
// nobody needs are left out.
//
// PyTorch calls most parts "weight", where here is "kernel" or "scale", and
// "running_mean" and "running_var" what is "mean" and "variance"; a Linear's weight is
// [out,in] there and a convolution's [out,in,height,width]. With Torch all that is
// changed. The rows of a Dense behind a Flatten of images are not: PyTorch counts
// them channel by channel. LSTM and GRU have their gates in another order, too.
//
// The optimizer, the count of steps and the history stay what they are; Reset before
// it begins anew. The averages of EMA become the weights. It is refused while the
// trainer trains.
func (t *Trainer) Load(path string) { t.LoadWith(path, Weights{}) }

// LoadWith is Load with all settings.
func (t *Trainer) LoadWith(path string, w Weights) {
	req := &wire.Import{Trainer: t.spec.Name, Path: absolute(path), Torch: w.Torch, Partial: w.Partial}
	for _, name := range slices.Sorted(maps.Keys(w.Names)) {
		req.Names = append(req.Names, wire.Renamed{Name: name, File: w.Names[name]})
	}
	ask[wire.Trained](t, req)
}
