// Package gonb pins gonb, the Go kernel for Jupyter, and goimports, which gonb runs on each cell. "go install tool" in this
// folder builds both. It is a module of its own so that metalnb's go.mod does not require gonb: cells import metalnb, and
// gonb would read its own large module graph for each of them. Its test holds our display pipe against gonb's protocol.
package gonb
