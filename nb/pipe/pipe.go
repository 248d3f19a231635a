// Package pipe shows things in the notebook through the pair of named pipes
// that gonb opens for each cell, with encoding/gob alone: gonb's own client
// library would cost a cell half a second of link time. A test in
// kernelext/gonb holds it against gonb's protocol package.
package pipe

import (
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"sync"
)

// The environment variables in which gonb names its pipes.
const (
	envOut  = "GONB_PIPE"
	envBack = "GONB_PIPE_BACK"
)

// Data is content to display: for each MIME type a string or, for binary
// types, a []byte. A display ID that was used before is replaced.
type Data struct {
	Data      map[string]any
	Metadata  map[string]any
	DisplayID string
}

// comm is a value that gonb handles itself, rather than showing it.
type comm struct {
	Address string
	Request bool
	Value   any
}

// What gonb calls the sync request: its MIME type and the addresses of request
// and answer.
const (
	commMIME = "gonb/comm_value"
	syncAsk  = "#gonbui/sync"
	syncDone = "#gonbui/sync_ack"
)

func init() {
	gob.RegisterName("github.com/janpfeifer/gonb/gonbui/protocol.CommValue", comm{})
	gob.Register(map[string]any{})
}

// stream is this process's one connection to gonb: a gob stream sends each
// type's description once, so there can only be one.
var stream struct {
	sync.Mutex
	out  *gob.Encoder
	back *gob.Decoder
	seq  int
}

// Available reports whether this process runs in a gonb cell.
func Available() bool { return os.Getenv(envOut) != "" && os.Getenv(envBack) != "" }

func open() error {
	if stream.out != nil {
		return nil
	}
	if !Available() {
		return errors.New("not in a notebook: gonb's display pipes are not there")
	}
	w, err := os.OpenFile(os.Getenv(envOut), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	r, err := os.OpenFile(os.Getenv(envBack), os.O_RDONLY, 0)
	if err != nil {
		w.Close()
		return err
	}
	stream.out, stream.back = gob.NewEncoder(w), gob.NewDecoder(r)
	return nil
}

// Show displays content.
func Show(d Data) error {
	stream.Lock()
	defer stream.Unlock()
	if err := open(); err != nil {
		return err
	}
	return stream.out.Encode(&d)
}

// Sync waits until gonb has passed on all that was shown. Without it the last
// displays of a cell can get lost.
func Sync() error {
	stream.Lock()
	defer stream.Unlock()
	if stream.out == nil {
		return nil
	}
	stream.seq++
	ask := Data{Data: map[string]any{commMIME: comm{Address: syncAsk, Value: stream.seq}}}
	if err := stream.out.Encode(&ask); err != nil {
		return err
	}
	for {
		var answer comm
		if err := stream.back.Decode(&answer); err != nil {
			return fmt.Errorf("gonb did not confirm the display: %w", err)
		}
		if n, ok := answer.Value.(int); ok && answer.Address == syncDone && n == stream.seq {
			return nil
		}
	}
}
