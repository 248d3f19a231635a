package runtime

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/feed/load"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// flowers writes iris as a table, and as NumPy's files.
func flowers(t *testing.T, dir string) (table, arrays load.Spec) {
	t.Helper()
	set, err := feed.Builtin("iris")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString("a,b,c,d,kind\n")
	labels := set.Y.I32s()
	for row := range slices.Chunk(set.X.F32s(), 4) {
		fmt.Fprintf(&text, "%v,%v,%v,%v,%s\n", row[0], row[1], row[2], row[3], set.Classes[labels[0]])
		labels = labels[1:]
	}
	npy := func(descr, shape string, data []byte) string {
		head := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape)
		return "\x93NUMPY\x01\x00" + string([]byte{byte(len(head)), 0}) + head + string(data)
	}
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	x, y := npy("<f4", "(150, 4)", set.X.Data), npy("<i4", "(150,)", set.Y.Data)
	return load.Spec{Format: load.CSV, Paths: []string{write("iris.csv", text.String())}},
		load.Spec{Format: load.NumPy, Paths: []string{write("x.npy", x), write("y.npy", y)}, Lazy: true}
}

// The journal keeps of data from files where they are. They are read again with a
// trainer that comes back, unless they have changed.
func TestFilesComeBack(t *testing.T) {
	files := t.TempDir()
	table, arrays := flowers(t, files)
	for _, spec := range []load.Spec{table, arrays} {
		dir := t.TempDir()
		s, _, stop := journaled(t, dir, time.Hour)
		for range 2 { // the second time nothing is read
			if err := s.LoadData(t.Context(), "mine", spec); err != nil {
				t.Fatal(err)
			}
		}
		tr := keptTrainer(t, s, "0.01 mine", "created")
		finish(t, tr, 2)
		want := numbersOf(t, tr)
		stop()
		s, _, stop = journaled(t, dir, time.Hour)
		again, err := s.Trainer("a")
		if err != nil || numbersOf(t, again) != want {
			t.Fatalf("%s: it came back as others (%v)", spec.Format, err)
		}
		if lazy := again.Spec().Data.Source != nil; lazy != spec.Lazy {
			t.Errorf("%s: lazy is %v", spec.Format, lazy)
		}
		if err := s.LoadData(t.Context(), "mine", spec); err != nil { // a cell declares it again
			t.Fatal(err)
		}
		keptTrainer(t, s, "0.01 mine", "attached")
		finish(t, again, 1)
		stop()
		if err := os.Chtimes(spec.Paths[0], time.Now(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		s, _, stop = journaled(t, dir, time.Hour)
		_, err = s.Trainer("a")
		fails(t, err, Resource, "its files have changed", spec.Paths[0])
		stop()
	}
}

// Of a stream the journal keeps what it looks like.
func TestStreamsComeBack(t *testing.T) {
	dir := t.TempDir()
	begin := func() (*Session, *feed.Stream, func()) {
		s, _, stop := journaled(t, dir, time.Hour)
		x, y := feed.Array{DType: ir.F32, Shape: ir.Shape{40, 4}}, feed.Array{DType: ir.I32, Shape: ir.Shape{40}}
		if err := s.OpenStream("mine", x, y, []string{"a", "b", "c"}); err != nil {
			t.Fatal(err)
		}
		stream, err := s.Stream("mine")
		if err != nil {
			t.Fatal(err)
		}
		return s, stream, stop
	}
	_, err := (&Session{data: map[string]*Upload{}}).Stream("mine")
	fails(t, err, Unknown, `no data "mine"`)
	s, stream, stop := begin()
	d, err := declaration("a", "0.01 mine", func(ref Ref) (*feed.Set, *Upload, error) {
		ref.Part = "" // a stream cannot be split
		return s.Find(ref)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, tr, err := s.Declare(d, false)
	if err != nil {
		t.Fatal(err)
	}
	maker := stream.Attach()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for {
			w, ok, err := maker.Wanted(ctx)
			if !ok || err != nil {
				return
			}
			n := min(7, 40-w.From)
			x, y := make([]float32, 4*n), make([]int32, n)
			for i := range y {
				y[i] = int32(w.From+i) % 3
				x[4*i+int(y[i])] = 1
			}
			maker.Put(w.From, feed.FromF32(x, n, 4).Data, feed.FromI32(y, n).Data, nil)
		}
	}()
	finish(t, tr, 2)
	cancel()
	maker.Leave()
	run, err := tr.Start(1)
	if err != nil {
		t.Fatal(err)
	}
	<-run.Done()
	if err := run.Err(); err == nil || !strings.Contains(err.Error(), "the program that makes the rows has ended") {
		t.Errorf("without a program: %v", err)
	}
	stop()
	s, _, _ = journaled(t, dir, time.Hour)
	stamp := fmt.Sprintf("stream %v %v %q", feed.Array{DType: ir.F32, Shape: ir.Shape{40, 4}}, feed.Array{DType: ir.I32, Shape: ir.Shape{40}}, []string{"a", "b", "c"})
	if _, err := again("mine", stamp, `{"X":{"DType":1,"Shape":[40,4]},"Y":{"DType":2,"Shape":[40]},"Classes":["a","b","c"]}`, load.Room{}); err != nil {
		t.Error(err)
	}
	if _, err := again("mine", stamp, "{}", load.Room{}); err == nil {
		t.Error("data of nowhere came back")
	}
}
