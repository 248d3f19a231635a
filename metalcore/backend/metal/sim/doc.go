// Package sim runs Metal kernels on the CPU, so that the text which goes to a
// Mac is compiled and run by tests on Linux, unchanged.
//
// MSL is C++ with a few words more. What clang does not know of it is rewritten
// (rewrite.go), headers in shim stand in for metal_stdlib, and clang++ makes a
// shared library of it, which a small runtime in shim runs: a fiber for each
// thread that waits for others, in any order that is asked for. It notices what
// a GPU would not tell: a barrier that not all threads reach, an access out of
// bounds, a buffer that is not bound, threadgroup memory that was never written
// (it is NaN) or written beyond its end, a SIMD function that not all threads
// call.
//
// Kernels that are watched (CompileWatched, Options.Watch) tell of each access,
// so that races are found exactly, whatever the order: of threads, threadgroups,
// and dispatches with no barrier between them (shim/races.h).
//
// Driver offers this as a GPU to the gpu package. Lint holds the address spaces
// of pointers, which C++ does not know.
//
// What it cannot tell: what Apple's compiler accepts, and how its fast math
// rounds. Races of vectors of more than 16 bytes, and with atomics, are not seen.
package sim
