package nb_test

import (
	"strings"
	"testing"

	"github.com/metalnb/metalnb/nb"
)

// Errors say what does not fit and what to do, at the line of who calls.
func TestTensorErrors(t *testing.T) {
	x := nb.Ones(2, 3, 4)
	model := nb.Input(4, 5)
	for name, c := range map[string]struct {
		f    func()
		want []string
	}{
		"index outside":       {func() { x.At(2) }, []string{"index 2 is outside axis 0", "f32[2,3,4]"}},
		"index before":        {func() { x.At(":, -4") }, []string{"index -4 is outside axis 1"}},
		"too many":            {func() { x.At(0, 0, 0, 0) }, []string{"4 indices"}},
		"no index":            {func() { x.At("one") }, []string{`"one" is no index`}},
		"step of 0":           {func() { x.At("::0") }, []string{`"::0" is no index`}},
		"a float":             {func() { x.At(1.5) }, []string{"1.5 is no index"}},
		"floats as indices":   {func() { x.At(nb.Ones(2)) }, []string{"the indices are f32[2]", "Int()"}},
		"indices outside":     {func() { x.At(nb.Array([]int{0, 2})) }, []string{"index 2", "size 2"}},
		"indices apart":       {func() { x.At(nb.Arange(2), ":", nb.Arange(2)) }, []string{"apart", "side by side"}},
		"part of the batch":   {func() { model.At("1:") }, []string{"batch"}},
		"one of the batch":    {func() { model.At(0) }, []string{"batch"}},
		"batch backwards":     {func() { model.At("::-1") }, []string{"batch"}},
		"batch turned":        {func() { model.Flip(0) }, []string{"batch"}},
		"take outside":        {func() { x.Take(nb.Array([]int{5}), 1) }, []string{"index 5", "axis of size 3"}},
		"take of no axis":     {func() { x.Take(nb.Arange(1), 3) }, []string{"there is no axis 3", "0 to 2"}},
		"take along":          {func() { x.TakeAlong(nb.Arange(3), 0) }, []string{"[2,3,4]"}},
		"mask of a model":     {func() { model.Masked(model.Gt(0)) }, []string{"differs from batch to batch", "Where"}},
		"mask of another":     {func() { x.Masked(nb.Ones(3).Gt(0)) }, []string{"bool[3] does not fit f32[2,3,4]"}},
		"reduced axis":        {func() { x.Min(3) }, []string{"there is no axis 3"}},
		"axis twice":          {func() { x.Var(1, 1) }, []string{"each axis once"}},
		"largest of none":     {func() { nb.Zeros(0, 2).Max(0) }, []string{"axis 0 is empty"}},
		"two axes":            {func() { x.ArgMax(0, 1) }, []string{"name one axis"}},
		"too large a k":       {func() { x.TopK(5, -1) }, []string{"5 elements", "or fewer"}},
		"sorted axis":         {func() { x.Sort(3) }, []string{"there is no axis 3"}},
		"product of a batch":  {func() { model.CumProd(0) }, []string{"batch"}},
		"reshape":             {func() { x.Reshape(-1, 5) }, []string{"f32[2,3,4]", "[-1 5]"}},
		"squeeze":             {func() { x.Squeeze(1) }, []string{"more than one"}},
		"broadcast":           {func() { x.BroadcastTo(2, 3, 5) }, []string{"does not become 5"}},
		"stack":               {func() { nb.Stack(0, x, nb.Ones(2)) }, []string{"part 1 is f32[2]"}},
		"stack of none":       {func() { nb.Stack(0) }, []string{"nothing"}},
		"stack axis":          {func() { nb.Stack(4, x) }, []string{"cannot get an axis 4"}},
		"tile":                {func() { x.Tile(-1) }, []string{"[-1]"}},
		"repeat":              {func() { x.Repeat(-1, 0) }, []string{"-1 times"}},
		"swap":                {func() { x.SwapAxes(0, 3) }, []string{"there is no axis 3"}},
		"triangle":            {func() { nb.Ones(3).Tril(0) }, []string{"no triangle"}},
		"diag":                {func() { x.Diag() }, []string{"no vector", "Diagonal"}},
		"shape":               {func() { nb.Full(1, 2, -1) }, []string{"[2 -1]"}},
		"arange":              {func() { nb.Arange(1, 2, 0) }, []string{"step other than 0"}},
		"far":                 {func() { nb.Arange(0, 1<<40, 1<<39) }, []string{"32 bits"}},
		"linspace":            {func() { nb.Linspace(0, 1, -1) }, []string{"-1 numbers"}},
		"one hot":             {func() { nb.Arange(3).OneHot(-1) }, []string{"-1 classes"}},
		"random shape":        {func() { nb.Normal(1, -2) }, []string{"[-2]"}},
		"seed":                {func() { nb.Uniform(1 << 40) }, []string{"32 bits"}},
		"integers":            {func() { nb.Integers(1, 5, 5) }, []string{"from 5 to 5"}},
		"matmul":              {func() { x.MatMul(nb.Ones(3, 4)) }, []string{"inner sizes 4 and 3"}},
		"matmul of many":      {func() { x.MatMul(nb.Ones(5, 4, 2)) }, []string{"[2] and [5] differ"}},
		"matmul of a number":  {func() { x.MatMul(nb.Ones()) }, []string{"0 axes"}},
		"einsum operands":     {func() { nb.Einsum("ij,jk", nb.Ones(2, 3)) }, []string{"2 operands, and there are 1"}},
		"einsum of none":      {func() { nb.Einsum("ij") }, []string{"Einsum of nothing"}},
		"einsum axes":         {func() { nb.Einsum("ij", x) }, []string{`"ij" names the axes of operand 1, which has 3`}},
		"einsum sizes":        {func() { nb.Einsum("ij,jk", nb.Ones(2, 3), nb.Ones(4, 5)) }, []string{"axis j has the sizes 3 and 4"}},
		"einsum diagonal":     {func() { nb.Einsum("ii", nb.Ones(2, 3)) }, []string{"axis i has the sizes 2 and 3"}},
		"einsum result":       {func() { nb.Einsum("ij->ik", nb.Ones(2, 3)) }, []string{"axis k", "is no operand's"}},
		"einsum result twice": {func() { nb.Einsum("ij->ii", nb.Ones(2, 3)) }, []string{"axis i", "twice"}},
		"einsum dots":         {func() { nb.Einsum("...i->i", x) }, []string{"dots on the left only"}},
		"einsum dots differ":  {func() { nb.Einsum("...i,...i", x, nb.Ones(2, 2, 4)) }, []string{"sizes 3 and 2"}},
		"einsum letters":      {func() { nb.Einsum("i1", nb.Ones(2, 3)) }, []string{`"i1" is no name of axes`}},
		"singular":            {func() { nb.Ones(2, 2).Inv() }, []string{"singular", "PInv"}},
		"not square":          {func() { x.Det() }, []string{"not square"}},
		"inverse in a model":  {func() { nb.Input(3, 3).Inv() }, []string{"a model's value f32[B,3,3] has no numbers"}},
		"cholesky":            {func() { nb.Eye(2).Neg().Cholesky() }, []string{"not positive definite"}},
		"parts":               {func() { nb.FFT(x, nb.Ones(2)) }, []string{"do not fit"}},
		"transform of none":   {func() { nb.FFT(nb.Ones(0), nil) }, []string{"no numbers along the last axis"}},
		"half a transform":    {func() { nb.IRFFT(x, nil, 4) }, []string{"4 complex numbers do not make 4"}},
		"too long": {func() {
			nb.Grad(func(x *nb.Tensor) *nb.Tensor { re, _ := x.RFFT(); return re.Sum() })(nb.Ones(5000))
		}, []string{"5000", "up to 4096"}},
	} {
		err := nb.Try(c.f)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, want := range append(c.want, "tensor_errors_test.go") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not mention %q", name, err, want)
			}
		}
	}
}
