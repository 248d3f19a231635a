// Package remote lets a notebook on one machine use the core of another, such as
// one with a GPU:
//
//	box$    metalnb core --listen :7070
//	laptop$ export METALNB_CORE='tls://box:7070?pin=...&token=...'   # what the box prints
//
// Everything else stays as it is. Cells speak with a unix socket in a private
// directory, at which a relay answers instead of the core (relay.go); it carries
// their messages through TLS to the front of the core (front.go), which speaks
// with the core's own socket. Both ends are the same tunnel (tunnel.go): large
// tensors, which cell and core hand over in files, pass through it in pieces, in
// frames before those of the messages that they belong to.
//
//	cell -- unix socket, files --> relay == TLS, frames ==> front -- unix socket, files --> core
//
// The relay is a process of its own, which the first cell starts, because
// crypto/tls would double what it costs to link a cell (0.2 s more of processor
// time, 2.8 MB), and cells are linked each time they run.
//
// Who is who: the core makes a key and a token when it first listens, and keeps
// them beside its journal (identity.go). Its certificate is signed by itself; the
// client is told the SHA-256 of its public key, the pin, and takes no other key.
// The token, 256 random bits, is the first thing that a client says, and it is
// compared in constant time; whoever does not know it learns nothing but that.
// Connections that have not said it are few and do not live long. A pin of the
// key and not of the certificate lets the core renew that before it expires.
package remote
