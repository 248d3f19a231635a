// Package wire is the language between a notebook cell and the core: the
// messages and their version (messages.go), how they become bytes (codec.go,
// fields.go), frames on a connection (conn.go), finding the core (place.go,
// dial.go) and starting it (launch.go). Package remote carries all this to another
// machine (remote.go).
//
// A connection carries one request at a time. The client speaks first, with
// Hello; the core answers Welcome, or a Problem when their versions do not
// match. A request is answered by one message, or by a stream that its last
// message ends. Cells are linked anew each time they run, so this package uses
// little of the standard library: not net, not encoding/json.
package wire

// Version is the version of metalnb. It is a variable so that tests can be of
// another one.
var Version = "0.1.0"
