//go:build !amd64

package vec

// There is no assembly for this processor.
var (
	tables  [3]map[key]Kernel
	foldsOf = [3]folds{plainFolds, plainFolds, plainFolds}
)
