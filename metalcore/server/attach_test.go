package server_test

import (
	"os"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Two notebooks use one trainer: the second names it by its path, and is told of
// each epoch that the first one trains.
func TestAnotherNotebooksTrainer(t *testing.T) {
	c := start(t)
	dial := func(session string) *wire.Conn {
		conn, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid(), Session: session, Kernel: session})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	owner, other := dial("/books/a.ipynb"), dial("/books/b.ipynb")
	call[wire.Declared](t, owner, iris("flowers"))
	call[wire.Declared](t, other, iris("mine"))
	const path = "/books/a.ipynb/flowers"
	refused(t, other, &wire.AskTrainer{Trainer: "flowers"}, wire.CodeUnknown, `no trainer "flowers"`)
	refused(t, other, &wire.AskTrainer{Trainer: "/books/c.ipynb/flowers"}, wire.CodeUnknown, `no trainer "flowers"`)
	call[wire.Trained](t, other, &wire.Pause{Trainer: startIn(t, owner, "flowers", path)})
	call[wire.Trained](t, other, &wire.SetLR{Trainer: path, LR: 0.25})
	if err := other.Send(&wire.Watch{Trainer: path}); err != nil {
		t.Fatal(err)
	}
	call[wire.Trained](t, owner, &wire.Resume{Trainer: "flowers"})
	told := 0
	for {
		m, err := other.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if end, ok := m.(*wire.Trained); ok {
			if end.Info.Epoch < told || told < 3 || end.Info.LR != 0.25 || end.Info.State != wire.StateStopped {
				t.Errorf("%d epochs were told of; at the end: %+v", told, end.Info)
			}
			break
		}
		if told++; told == 3 {
			call[wire.Trained](t, owner, &wire.Stop{Trainer: "flowers"})
		}
	}
	if err := other.Send(&wire.Picture{What: "compare", Trainers: []string{"mine", path}}); err != nil {
		t.Fatal(err)
	}
	text := ""
	for {
		m, err := other.Recv()
		if err != nil {
			t.Fatal(err)
		}
		show, ok := m.(*wire.Show)
		if !ok {
			break
		}
		for _, item := range show.Items {
			if item.Type == "text/plain" {
				text += string(item.Data)
			}
		}
	}
	for _, want := range []string{"mine", "flowers", "stopped", "declared"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the comparison\n%s", want, text)
		}
	}
	fork := call[wire.Declared](t, other, &wire.Fork{Trainer: path, As: "copy"}).Info
	if own := call[wire.Run](t, other, &wire.AskTrainer{Trainer: "copy"}).Info; own.Step != fork.Step || own.Epoch != fork.Epoch || own.Step == 0 {
		t.Errorf("a fork of another notebook's is %+v, and was %+v", own, fork)
	}
	refused(t, owner, &wire.AskTrainer{Trainer: "copy"}, wire.CodeUnknown, `no trainer "copy"`)
	call[wire.OK](t, other, &wire.Drop{Trainer: path})
	refused(t, owner, &wire.AskTrainer{Trainer: "flowers"}, wire.CodeUnknown, `no trainer "flowers"`)
	for _, s := range c.Runtime().Sessions() {
		if s.Name() == "/books/c.ipynb" {
			t.Error("who asked for a notebook made its session")
		}
	}
}

// startIn starts a training in the background, and returns the path.
func startIn(t *testing.T, conn *wire.Conn, name, path string) string {
	t.Helper()
	call[wire.Trained](t, conn, &wire.Train{Trainer: name, Epochs: 1_000_000, Background: true})
	return path
}
