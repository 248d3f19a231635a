// Package metalcore is the engine and the core process around it. It has no
// code of its own; this is the tour, in reading order.
//
//   - ir: what everything is made of: values, graphs, and their text form
//   - op: the table of ops: formula, shape rule, gradient
//   - autodiff: gradients of a graph, by one reverse walk
//   - compile: the named passes over a graph
//   - plan: a place in memory for every value
//   - backend: the interface to a device, and the queue of those who share it; cpu; conformance, the suite that
//     every device passes
//   - explain: what a graph is compiled to, each kernel measured
//   - feed: data sets, and their copies on a device
//   - loss, optim, metric: builders of IR; schedule: learning rates over time
//   - linalg: matrices and Fourier transforms, which are no ops of graphs
//   - train: the trainer: one compiled step, epochs, stop and go on
//   - checkpoint: files of arrays that outlive a crash
//   - runtime: sessions that keep trainers, data and tensors by name, and the
//     journal that writes trainers down
//   - wire: the messages between a cell and the core
//   - socket: one process at a place, and no other user
//   - server: the handshake, requests, streams of progress; what it withstands
//   - remote: a core on another machine, through TLS
//   - control: asking a core for its status, and ending it
//   - bench: what `metalnb bench` measures here
//
// The tests of this package hold the whole module to its budgets: the size of
// files and functions, who may import whom, documentation.
package metalcore
