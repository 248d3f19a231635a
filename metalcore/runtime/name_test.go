package runtime

import (
	"strings"
	"testing"
	"time"
)

// A name that could not be said, found by a path, or written down is refused
// before anything is made.
func TestNames(t *testing.T) {
	s, _, _ := journaled(t, t.TempDir(), time.Hour)
	upload(t, s)
	tr := keptTrainer(t, s, "0.01 mine", "created")
	declare := func(name string) error {
		d, err := declaration(name, "0.01 iris", s.Find)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = s.Declare(d, false)
		return err
	}
	bad := []string{"", "new\nline", "nul\x00", "\xff\xfe", strings.Repeat("x", mostName+1)}
	for _, name := range append(bad, ".", "..", "a/b", "/abs", "../../x") {
		fails(t, declare(name), BadRequest, "trainer")
		_, err := s.Fork(s, "a", name)
		fails(t, err, BadRequest, "trainer")
		_, err = s.Rename("a", name)
		fails(t, err, BadRequest, "trainer")
	}
	set, err := s.Data(Ref{Source: "mine", User: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range bad {
		_, err := tr.Save(name, "")
		fails(t, err, BadRequest, "checkpoint")
		fails(t, s.PutData(name, "", set.X, set.Y, nil), BadRequest, "data")
		fails(t, s.OpenStream(name, set.X, set.Y, nil), BadRequest, "data")
	}
	if len(s.Trainers()) != 1 || len(s.DataNames()) != 1 {
		t.Errorf("there are %d trainers and the data %q", len(s.Trainers()), s.DataNames())
	}
	book, leave := s.core.Join("/\xff.ipynb") // files may be called so
	defer leave()
	fork, err := declaration("b", "0.01 iris", book.Find)
	if err != nil {
		t.Fatal(err)
	}
	_, there, err := book.Declare(fork, false)
	if err != nil {
		t.Fatal(err)
	}
	if s.core.journal.finish(there); !there.kept.safe() {
		t.Errorf("%+v", there.Info())
	}
	for _, name := range []string{"模型", " ", "a.ipynb", "data", "lock", "-", strings.Repeat("x", mostName)} {
		if err := declare(name); err != nil {
			t.Error(err)
		}
		if _, err := tr.Save(name, ""); err != nil {
			t.Error(err)
		}
	}
}
