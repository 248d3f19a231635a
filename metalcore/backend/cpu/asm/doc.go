// Package asm holds the kernels of the CPU backend that are worth writing in
// assembly: tiles of matrix products, max pooling and the transposition of
// blocks, for AVX-512, for AVX2 with FMA and for NEON, and the same in plain Go
// for all other processors.
//
// The assembly is generated: folder gen, a module of its own so that the main
// one needs no generator, writes kernels_amd64.s and kernels_arm64.s, their
// declarations, and the dispatch by the number of rows.
package asm

//go:generate sh -c "cd gen && go run ."
