// Package metal is Apple's GPUs as a driver of package gpu, without cgo: the
// kernels are Metal's own language, and large products and convolutions are
// those of Metal Performance Shaders and its graphs, in the same command buffer.
//
// Memory is shared with the CPU, and Metal tracks it: command buffers, and the
// encoders in one, are ordered by the buffers they use, also those that the
// vendor's library encodes, which knows of no fence of ours. Within an encoder
// dispatches run at once, but for barriers.
//
// All of it was built and tested on Linux. There each message that is sent is
// held against Apple's interfaces (package objc), and the whole driver runs on a
// stand-in for Metal (package fake). What only a Mac can tell, `metalnb doctor`
// finds out.
package metal
