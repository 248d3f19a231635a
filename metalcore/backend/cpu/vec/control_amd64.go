package vec

// flushToZero is the bit of the control register MXCSR that makes results below
// the smallest normal number zero.
const flushToZero = 1 << 15

func control() uint32
func setControl(bits uint32)

// Flush makes arithmetic of the calling thread give 0 for what is smaller than
// the smallest normal number, 1.2e-38, until Restore is called with what it
// returns. Moments that decay and probabilities that vanish end in such
// subnormal numbers, and a processor takes a hundred times as long for them. The
// goroutine must be locked to its thread.
func Flush() (old uint32) {
	old = control()
	setControl(old | flushToZero)
	return old
}

// Restore undoes Flush.
func Restore(old uint32) { setControl(old) }
