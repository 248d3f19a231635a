package gpu

import (
	"errors"

	"github.com/metalnb/metalnb/metalcore/plan"
)

// epilogue emits a step that begins with a product.
func (l *lowerer) epilogue(s *plan.Step, e plan.Epilogue) error {
	return errors.New("there is no kernel for products")
}
