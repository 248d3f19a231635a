package plan

import "github.com/metalnb/metalnb/metalcore/ir"

// JoinAxes are the axes of a shape, innermost first, without those of size 1 and
// with neighbours joined that lie side by side in all operands. The distances
// between the elements of each operand along the axes of the shape become those
// along the joined ones. There is always one axis at least.
func JoinAxes(shape ir.Shape, operands [][]int) (dims []int, joined [][]int) {
	joined = make([][]int, len(operands))
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] == 1 {
			continue
		}
		last := len(dims) - 1
		fits := last >= 0
		for k, axes := range operands {
			fits = fits && axes[i] == joined[k][last]*dims[last]
		}
		if fits {
			dims[last] *= shape[i]
			continue
		}
		dims = append(dims, shape[i])
		for k, axes := range operands {
			joined[k] = append(joined[k], axes[i])
		}
	}
	if len(dims) == 0 {
		dims = []int{1}
		for k := range joined {
			joined[k] = []int{1}
		}
	}
	return dims, joined
}
