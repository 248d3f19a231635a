package runtime

import (
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
)

// What is on the disk alone is listed as it was, until somebody wakes it: what a core
// before has left, what was renamed, and of which only the file before is whole.
func TestWritten(t *testing.T) {
	dir := t.TempDir()
	s, _, stop := journaled(t, dir, time.Hour)
	if list := s.Written(); len(list) != 0 {
		t.Errorf("at first there is %+v", list)
	}
	a := declareText(t, s, "a", "0.01 iris", "created")
	finish(t, a, 3)
	declareText(t, s, "b", "0.02 iris", "created")
	if _, err := s.Rename("b", "c"); err != nil {
		t.Fatal(err)
	}
	if list := s.Written(); len(list) != 0 {
		t.Errorf("awake are %+v", list)
	}
	want := a.Info()
	path := s.core.journal.path("notebook", "a")
	stop()
	if err := os.Rename(path, checkpoint.Before(path)); err != nil {
		t.Fatal(err)
	}
	s, _, _ = journaled(t, dir, time.Hour)
	list := map[string]int{}
	for n, i := range s.Written() {
		list[i.Name] = n + 1
		says(t, "the note of "+i.Name, i.Note, "on the disk since", "it comes back when it is used")
		if i.State != Asleep {
			t.Errorf("%s is %s", i.Name, i.State)
		}
		if i.Name == "a" && (i.Epoch != 3 || i.Step != want.Step || i.LR != 0.01 || !reflect.DeepEqual(i.Last, want.Last)) {
			t.Errorf("it was %+v and is listed as %+v", want, i)
		}
	}
	if len(list) != 2 || list["a"] == 0 || list["c"] == 0 {
		t.Errorf("listed are %v", list)
	}
	declareText(t, s, "a", "0.01 iris", "attached")
	if list := s.Written(); len(list) != 1 || list[0].Name != "c" {
		t.Errorf("with one awake there is %+v", list)
	}
	if err := s.Drop("c"); err != nil {
		t.Fatal(err)
	}
	if list := s.Written(); len(list) != 0 {
		t.Errorf("after a drop there is %+v", list)
	}
}
