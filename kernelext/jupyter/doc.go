// Package jupyter speaks Jupyter's wire protocol as a client, without Python.
//
// A Jupyter kernel is a process with five ZeroMQ sockets, described by a connection file. Shell takes requests (run this
// code), control takes urgent ones (interrupt, shut down), iopub broadcasts what happens (output, busy, idle), stdin asks
// the user for a line, and the heartbeat echoes. Each message is a list of frames: routing identities, a delimiter, an
// HMAC-SHA256 signature, and four JSON objects (header, parent header, metadata, content).
//
// Reading order: message.go (frames to messages and back), connection.go (the connection file), client.go (the five
// channels), process.go (a kernel as a child process), spec.go (which kernels are installed).
package jupyter
