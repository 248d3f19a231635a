package gpu

// Tilings are those that kernels choose from, and by how they are numbered with
// UseTiling.
func Tilings() (matrices, threads int) { return len(matrixTiles), len(threadTiles) }

// UseTiling leaves kernels no choice but one tiling for matrices and one for
// threads, until the function that it returns is called.
func UseTiling(matrices, threads int) (restore func()) {
	m, t := matrixTiles, threadTiles
	matrixTiles, threadTiles = m[matrices:matrices+1], t[threads:threads+1]
	return func() { matrixTiles, threadTiles = m, t }
}
