// Package loss builds the losses that models are trained with. A loss is a
// function from the model's output and the labels to one number per row of the
// batch, made of the engine's ops: the training step takes its mean, evaluation
// sums it up exactly over batches of any size.
package loss

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
)

// The names of the losses. In the formulas x is the model's output and y the
// label or target.
const (
	CrossEntropy = "cross_entropy" // -log softmax(x)[y]; or - sum of y log softmax(x) when y are probabilities
	BCE          = "bce"           // -y log x - (1-y) log(1-x), of probabilities x
	BCELogits    = "bce_logits"    // BCE of sigmoid(x), without its rounding
	Hinge        = "hinge"         // max(0, 1 - y x) with y = -1 or 1; or over classes
	KL           = "kl"            // sum of y log(y / softmax(x)), of probabilities y
	MSE          = "mse"           // (x - y)²
	MAE          = "mae"           // |x - y|
	Huber        = "huber"         // (x - y)²/2, and delta (|x - y| - delta/2) where |x - y| > delta
	SmoothL1     = "smooth_l1"     // (x - y)²/(2 beta), and |x - y| - beta/2 where |x - y| > beta
	Cosine       = "cosine"        // 1 - cos of the angle between the rows x and y
	Function     = "function"      // a graph of the user's
)

// Settings are what a loss can be told. The zero value is the default.
type Settings struct {
	// Numbers are settings by name: "smoothing" of cross_entropy, "pos_weight"
	// of bce and bce_logits, "delta" of huber, "beta" of smooth_l1.
	Numbers map[string]float64
	// Weights are those of the classes, of cross_entropy.
	Weights []float64
	// Ignore are the labels whose rows do not count, of cross_entropy.
	Ignore []int
	// Graph computes the loss function: from the inputs "output" [B,...] and
	// "target" [B,...] the output "loss", f32 [B] or [B,1], or a scalar that is
	// a mean. Of one number per row the target has the output's shape.
	Graph *ir.Graph
}

// Loss is a loss with its settings.
type Loss struct {
	name     string
	kind     kind
	numbers  map[string]float64
	settings Settings
}

// Rows is the loss of each row of a batch, f32 [R]. Weight [R] is what each row
// counts; nil says that all count 1, and Loss is multiplied by it already.
type Rows struct{ Loss, Weight *ir.Value }

// kind is a row of the table of losses.
type kind struct {
	numbers []number
	labels  labels
	rows    func(l *Loss, out, y *ir.Value) Rows
	link    string // what makes probabilities of the output: "softmax", "sigmoid" or ""
}

// number is what is known of one setting.
type number struct {
	name   string
	preset float64
	valid  func(x float64) bool
	span   string
}

// labels says which labels a loss takes.
type labels int

const (
	ofClasses labels = iota // i32 [R] with logits [R,C], or f32 [R,C]
	ofBits                  // i32 [R] of 0 and 1 with one output, or f32 like the output
	ofMargin                // i32 [R] with one output or [R,C], or f32 like the output
	ofNumbers               // f32 like the output
	ofAny
)

var kinds map[string]kind

func init() {
	smoothing := number{"smoothing", 0, func(x float64) bool { return x >= 0 && x < 1 }, "at least 0 and below 1"}
	posWeight := number{"pos_weight", 1, positive, "a positive number"}
	kinds = map[string]kind{
		CrossEntropy: {[]number{smoothing}, ofClasses, crossEntropy, "softmax"},
		BCE:          {[]number{posWeight}, ofBits, bce, ""},
		BCELogits:    {[]number{posWeight}, ofBits, bceLogits, "sigmoid"},
		Hinge:        {nil, ofMargin, hinge, ""},
		KL:           {nil, ofNumbers, kl, "softmax"},
		MSE:          {nil, ofNumbers, elementwise(func(_ *Loss, d *ir.Value) *ir.Value { return op.Mul(d, d) }), ""},
		MAE:          {nil, ofNumbers, elementwise(func(_ *Loss, d *ir.Value) *ir.Value { return op.Abs(d) }), ""},
		Huber:        {[]number{{"delta", 1, positive, "a positive number"}}, ofNumbers, elementwise(huber), ""},
		SmoothL1:     {[]number{{"beta", 1, positive, "a positive number"}}, ofNumbers, elementwise(smoothL1), ""},
		Cosine:       {nil, ofNumbers, cosine, ""},
		Function:     {nil, ofAny, function, ""},
	}
}

func positive(x float64) bool { return x > 0 }

// Names lists the losses.
func Names() []string {
	return []string{CrossEntropy, BCE, BCELogits, Hinge, KL, MSE, MAE, Huber, SmoothL1, Cosine, Function}
}

// New returns the loss of that name. Settings that it does not have are
// refused.
func New(name string, s Settings) (*Loss, error) {
	k, ok := kinds[name]
	if !ok {
		return nil, fmt.Errorf("there is no loss %q: there are %s", name, strings.Join(Names(), ", "))
	}
	l := &Loss{name: name, kind: k, numbers: map[string]float64{}, settings: s}
	var known []string
	for _, n := range k.numbers {
		l.numbers[n.name] = n.preset
		known = append(known, n.name)
	}
	for _, given := range slices.Sorted(maps.Keys(s.Numbers)) {
		at := slices.Index(known, given)
		if at < 0 {
			return nil, fmt.Errorf("the loss %s has no setting %q: it has %s", name, given, orNone(known))
		}
		x := s.Numbers[given]
		if f := float64(float32(x)); math.IsNaN(f) || math.IsInf(f, 0) || !k.numbers[at].valid(f) {
			return nil, fmt.Errorf("the loss %s: %s is %v: it must be %s", name, given, x, k.numbers[at].span)
		}
		l.numbers[given] = x
	}
	return l, l.checkSettings()
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func (l *Loss) checkSettings() error {
	if name := l.name; name != CrossEntropy && (len(l.settings.Weights) > 0 || len(l.settings.Ignore) > 0) {
		return fmt.Errorf("the loss %s takes no class weights and no labels to ignore: the loss %s does", name, CrossEntropy)
	}
	for i, w := range l.settings.Weights {
		if f := float64(float32(w)); w < 0 || math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("the loss %s: the weight of class %d is %v: it must be a number of 0 or more", l.name, i, w)
		}
	}
	if (l.settings.Graph != nil) != (l.name == Function) {
		return fmt.Errorf("the loss %s: a graph goes with the loss %q, and only with it", l.name, Function)
	}
	if l.settings.Graph != nil {
		return checkFunction(l.settings.Graph)
	}
	return nil
}

// Name is the loss's name, like "huber".
func (l *Loss) Name() string { return l.name }

// Link names the function that makes probabilities of the model's output:
// "softmax", "sigmoid", or "" for none.
func (l *Loss) Link() string { return l.kind.link }

// Weighted reports whether rows with labels of that type count differently.
func (l *Loss) Weighted(labels ir.DType) bool {
	return labels == ir.I32 && len(l.settings.Weights)+len(l.settings.Ignore) > 0
}

// Ignores reports whether rows of that label do not count.
func (l *Loss) Ignores(label int) bool { return slices.Contains(l.settings.Ignore, label) }

// String prints the loss with the settings that were given, like
// huber(delta=2).
func (l *Loss) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(l.settings.Numbers)) {
		parts = append(parts, fmt.Sprintf("%s=%v", name, l.numbers[name]))
	}
	if len(l.settings.Weights) > 0 {
		parts = append(parts, fmt.Sprintf("weights=%v", l.settings.Weights))
	}
	if len(l.settings.Ignore) > 0 {
		parts = append(parts, fmt.Sprintf("ignore=%v", l.settings.Ignore))
	}
	if len(parts) == 0 {
		return l.name
	}
	return l.name + "(" + strings.Join(parts, ", ") + ")"
}

// ClassWeights is the name of the input, f32 [C], that the class weights are
// given by, where there are some.
const ClassWeights = "loss/class_weights"

// Inputs returns the numbers of the inputs that Build uses beside its
// arguments, by their names.
func (l *Loss) Inputs() map[string][]float32 {
	if len(l.settings.Weights) == 0 {
		return nil
	}
	list := make([]float32, len(l.settings.Weights))
	for i, w := range l.settings.Weights {
		list[i] = float32(w)
	}
	return map[string][]float32{ClassWeights: list}
}

// Build returns the loss of each row. For a regression the targets y may be
// [R] where the model's output is [R,1], and the other way round. weights, f32
// [R], is what each row counts, nil when all count the same.
func (l *Loss) Build(out, y, weights *ir.Value) (rows Rows, err error) {
	if err := l.check(out, y); err != nil {
		return Rows{}, err
	}
	err = op.Try(func() {
		rows = l.kind.rows(l, out, l.Align(out, y))
		if weights != nil {
			rows.Loss = op.Mul(rows.Loss, weights)
			rows.Weight = times(rows.Weight, weights)
		}
	})
	return rows, err
}

func times(a, b *ir.Value) *ir.Value {
	if a == nil {
		return b
	}
	return op.Mul(a, b)
}

// Mean is the loss of the batch: the sum of all rows over the sum of their
// weights, 0 when no row counts.
func (r Rows) Mean() *ir.Value {
	if r.Weight == nil {
		return op.Mean(r.Loss, false)
	}
	return op.Div(op.Sum(r.Loss, false), r.Count())
}

// Count is the sum of the rows' weights, and more than 0 also when no row counts.
func (r Rows) Count() *ir.Value {
	if r.Weight == nil {
		return num(float64(r.Loss.Shape.Elems()))
	}
	return op.Max(op.Sum(r.Weight, false), num(math.SmallestNonzeroFloat32*(1<<23)))
}

// Align gives the labels y the output's shape where both have one number per
// row, and makes numbers of the classes of a loss of two classes.
func (l *Loss) Align(out, y *ir.Value) *ir.Value {
	if y.DType == ir.I32 && (l.kind.labels == ofAny || l.kind.labels == ofClasses || width(out) != 1) {
		return y
	}
	if y.DType == ir.I32 {
		y = op.Cast(y, ir.F32)
		if l.kind.labels == ofMargin { // 0 and 1 stand for -1 and 1
			y = op.Sub(op.Mul(num(2), y), num(1))
		}
	}
	if y.Shape.Equal(out.Shape) || l.kind.labels == ofAny && (width(y) != 1 || width(out) != 1) {
		return y
	}
	return op.Reshape(y, out.Shape)
}

func num(x float64) *ir.Value { return ir.Const(x, ir.F32) }
