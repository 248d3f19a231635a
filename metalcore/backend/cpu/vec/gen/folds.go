package main

// fold is a function that makes one number of many.
type fold struct {
	name, signature string
	emit            func(e *emitter)
}

func folds() []fold { return nil }

func (e *emitter) fold(f fold) string { return e.symbol(f.name, "") }
