package gonb

import (
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// readCell reads a cell's displays with gonb's own types and answers its sync requests, as gonb does.
func readCell(r io.Reader, w io.Writer) (shown []protocol.DisplayData, synced int, err error) {
	dec, enc := gob.NewDecoder(r), gob.NewEncoder(w)
	for {
		var d protocol.DisplayData
		if err := dec.Decode(&d); err == io.EOF {
			return shown, synced, nil
		} else if err != nil {
			return shown, synced, err
		}
		v, ok := d.Data[protocol.MIMECommValue].(protocol.CommValue)
		if !ok {
			shown = append(shown, d)
			continue
		}
		if v.Address != protocol.GonbuiSyncAddress {
			return shown, synced, fmt.Errorf("a request for %q", v.Address)
		}
		synced++
		v.Address = protocol.GonbuiSyncAckAddress
		if err := enc.Encode(&v); err != nil {
			return shown, synced, err
		}
	}
}

// gonb registers this beside its protocol's types.
func init() { gob.Register(map[string]any{}) }

// makePipes makes the two pipes that gonb makes for a cell.
func makePipes(t *testing.T, dir string) (pipes [2]*os.File) {
	t.Helper()
	for i, name := range []string{"out", "back"} {
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		// Open for both directions, so that this side does not wait for the cell.
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		pipes[i] = f
	}
	return pipes
}

func TestPipeSpeaksGonbsProtocol(t *testing.T) {
	dir := t.TempDir()
	cell := filepath.Join(dir, "cell")
	if out, err := exec.Command("go", "build", "-o", cell, "./internal/cell").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pipes := makePipes(t, dir)
	cmd := exec.Command(cell)
	cmd.Env = append(os.Environ(), protocol.GONB_PIPE_ENV+"="+pipes[0].Name(), protocol.GONB_PIPE_BACK_ENV+"="+pipes[1].Name())
	type answer struct {
		shown  []protocol.DisplayData
		synced int
		err    error
	}
	kernel := make(chan answer, 1)
	done := make(chan error, 1)
	r, w := io.Pipe()
	go io.Copy(w, pipes[0])
	go func() {
		shown, synced, err := readCell(r, pipes[1])
		// A cell that still waits for an answer gets an end of file.
		pipes[0].Close()
		pipes[1].Close()
		kernel <- answer{shown, synced, err}
	}()
	go func() {
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.Close()
	got := <-kernel
	if got.err != nil || got.synced != 1 {
		t.Fatalf("%d sync requests, want 1; error %v", got.synced, got.err)
	}
	want := []protocol.DisplayData{
		{
			DisplayID: "chart",
			Data: map[protocol.MIMEType]any{
				protocol.MIMETextPlain: "a chart", protocol.MIMEImagePNG: []byte{1, 2, 3}, "application/json": map[string]any{"k": 1.5},
			},
			Metadata: map[string]any{"width": 640},
		},
		{Data: map[protocol.MIMEType]any{protocol.MIMETextHTML: "<b>x</b>"}},
	}
	if !reflect.DeepEqual(got.shown, want) {
		t.Errorf("gonb received\n%#v, want\n%#v", got.shown, want)
	}
}
