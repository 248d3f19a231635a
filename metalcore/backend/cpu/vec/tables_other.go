//go:build !amd64 && !arm64

package vec

// There is no assembly for this processor.
var (
	tables   [3]map[key]Kernel
	programs [3]map[string]Loop
	foldsOf  = [3]folds{plainFolds, plainFolds, plainFolds}
)
