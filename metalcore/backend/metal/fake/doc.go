// Package fake is a stand-in for the Objective-C runtime, Metal, Metal
// Performance Shaders and their graphs: a library in C++ with the C ABI of the
// real ones, so that tests on Linux run the very code that runs on a Mac.
//
// It computes what it is asked to, kernels by a Compiler that the test brings,
// and notices what the real ones punish by a crash, a leak, or not at all (see
// Errors). Tests make it fail (Fault) and make it an older or smaller machine
// (Knob). It is one in a process, and its tests run one after the other. It is for Linux.
package fake
