package nb

import "github.com/metalnb/metalnb/metalcore/wire"

// MemoryUse is who holds how much of the core's memory. It prints as a table.
type MemoryUse wire.Memory

// Sums are what notebooks hold, that with most first, and what they share.
func (m MemoryUse) Sums() []wire.Holder { return (*wire.Memory)(&m).Sums() }

// Memory tells how much of the device's memory the core takes, of what it may
// take, and who holds it: the trainers and data of all notebooks, computations,
// and the cache of buffers that nobody uses. A trainer's arenas are what its
// compiled programs work in; Explain has the plan of one. Data, kept tensors and
// the states that trainers go back to are arrays of the host; they count, too, where
// device and host share their memory. Drop drops what no trainer needs.
//
//	fmt.Println(nb.Memory())
func Memory() MemoryUse { return MemoryUse(*mustCall[wire.Memory](&wire.AskMemory{})) }

// String is a table of the holders.
func (m MemoryUse) String() string { return (*wire.Memory)(&m).String() }
