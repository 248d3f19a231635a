package gpu

import "fmt"

// Driver is a GPU as its system offers it: memory, compiled kernels, and a
// queue of recorded work. What is above it, in this package, is the same for
// all GPUs. Its methods may be called from several goroutines.
type Driver interface {
	Limits() Limits
	// Alloc returns memory of the given size in bytes, more than 0, all zero.
	Alloc(bytes int64) (Memory, error)
	// Compile builds the kernels of a text that the driver's dialect has
	// rendered. The pipelines are in the order of the names.
	Compile(text string, names []string) ([]Pipeline, error)
	// Begin starts a recording.
	Begin() (Recording, error)
	Close() error
}

// Limits describe a GPU and say what a kernel may ask of it.
type Limits struct {
	Device    string // as people know it: "Apple M2 Max"
	Kind      string // "metal", "cuda"
	Family    string // of the chip, as its vendor counts: "apple8", "sm_90"
	Threads   int    // of a threadgroup
	Shared    int    // bytes of threadgroup memory
	Bindings  int    // buffers of a kernel
	Groups    [3]int // threadgroups of a dispatch, along x, y and z
	MaxBuffer int64  // bytes of one buffer
	Memory    int64  // bytes that all buffers together should take
}

// Memory is a buffer on the GPU. Upload and Download are called only while
// nothing that uses the memory is in flight, and within its size.
type Memory interface {
	Len() int64
	Upload(offset int64, src []byte) error
	Download(offset int64, dst []byte) error
	Free()
}

// Unified is a driver of a GPU that shares memory with the host.
type Unified interface {
	Driver
	// Wrap makes memory of whole pages of the host, without a copy. They stay
	// where they are until it is freed.
	Wrap(pages []byte) (Memory, error)
}

// Span is memory from an offset on, in bytes.
type Span struct {
	Memory Memory
	Offset int64
}

// Pipeline is a kernel that is ready to run. Limits are known only once it is
// compiled: Threads is how many threads a threadgroup of it may have.
type Pipeline interface {
	Threads() int
	Free()
}

// Dispatch runs a kernel.
type Dispatch struct {
	Pipeline Pipeline
	Buffers  []Span // at the index of the kernel's parameter
	Groups   [3]int // threadgroups, along x, y and z
	Threads  int    // of each threadgroup, in a row
}

// Recording collects work until it is committed. Dispatches may run in any
// order or at once, but for barriers. It is used by one goroutine; recordings
// of one driver run in the order in which they are committed.
type Recording interface {
	Dispatch(d *Dispatch)
	// Run runs a product that the vendor's library computes.
	Run(p Product, in []Span, out Span)
	// Barrier makes what follows wait for what came before, and see its writes.
	Barrier()
	// Commit hands the work over; done is called once, from any goroutine, when
	// it has ended or failed. The driver keeps what it needs until then.
	Commit(done func(error))
}

// Library is a driver with a vendor's library of products and convolutions.
type Library interface {
	Driver
	// Product prepares a product; an error says that the library has none such.
	Product(s ProductSpec) (Product, error)
}

// Product is a product of a vendor's library that is ready to run.
type Product interface{ Free() }

// ProductSpec is a matrix product or a convolution as the vendor's libraries
// know them: images are NHWC, kernels HWIO. Operands of a matrix product have two
// axes, or three with the batch in front; one that has two serves all of a batch.
type ProductSpec struct {
	Op    string // "matmul", "conv2d", "conv2d_grad_input", "conv2d_grad_kernel"
	DType string // "f32", "f16", "bf16"
	In    [][]int
	Out   []int

	TransA, TransB        bool  // matmul
	Stride, Dilation, Pad []int // conv2d*: pad is top, bottom, left, right
	Groups                int   // conv2d*
}

// CompileError is a text that a driver's compiler refused. That is a fault of
// this package, not of the user's.
type CompileError struct {
	Kernel string // the first one that it names, if any
	Log    string // what the compiler said
}

func (e *CompileError) Error() string {
	if e.Kernel == "" {
		return "gpu: the kernels do not compile: " + e.Log
	}
	return fmt.Sprintf("gpu: kernel %s does not compile: %s", e.Kernel, e.Log)
}

// RunError is a kernel that failed while it ran. Kernel is empty where the
// driver cannot tell which.
type RunError struct {
	Kernel string
	Cause  string
}

func (e *RunError) Error() string {
	if e.Kernel == "" {
		return "gpu: " + e.Cause
	}
	return fmt.Sprintf("gpu: kernel %s: %s", e.Kernel, e.Cause)
}
