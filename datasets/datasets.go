// Package datasets names the data sets that the core brings along. A cell holds
// only handles: the core loads the data, once, and it never passes through the
// cell.
package datasets

import (
	"fmt"

	"github.com/metalnb/metalnb/nb"
)

// Split is a data set in two parts that share no row, drawn class by class,
// and All of it.
type Split struct {
	Train, Test, All *nb.Dataset
}

// Option changes how a set is split.
type Option func(*options)

type options struct {
	share float64
	seed  int64
}

// TestShare sets the share of the rows that are for testing; it is 0.2.
func TestShare(share float64) Option { return func(o *options) { o.share = share } }

// Seed draws the parts differently; it is 1.
func Seed(seed int64) Option { return func(o *options) { o.seed = seed } }

// Digits are 1,797 handwritten digits of 8 by 8 grey pixels from 0 to 1:
// x f32[N,8,8,1], classes "0" to "9". Optical Recognition of Handwritten
// Digits, E. Alpaydin and C. Kaynak, UCI, CC BY 4.0.
func Digits(opts ...Option) Split { return split("digits", opts) }

// Iris are 150 flowers, each with length and width of sepal and petal in
// centimetres: x f32[N,4], three species. R. A. Fisher, 1936.
func Iris(opts ...Option) Split { return split("iris", opts) }

func split(name string, opts []Option) Split {
	o := options{share: 0.2, seed: 1}
	for _, opt := range opts {
		opt(&o)
	}
	if !(o.share > 0 && o.share < 1) {
		nb.Fail(nb.CodeArgument, "like datasets.TestShare(0.2)", fmt.Sprintf("%s: a test share of %v", name, o.share))
	}
	all := nb.Builtin(name)
	train, test := all.Split(o.share, o.seed)
	return Split{Train: train, Test: test, All: all}
}
