package cpu

import (
	"sync"

	"github.com/metalnb/metalnb/metalcore/backend/cpu/blas"
)

// systemBLAS is Accelerate's, nil if it is not where it should be.
var systemBLAS = sync.OnceValue(func() sgemm {
	f, err := blas.SGEMM(blas.Accelerate)
	if err != nil {
		return nil
	}
	return f
})
