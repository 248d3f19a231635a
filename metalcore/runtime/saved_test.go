package runtime

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// A trainer that is read is the one that was written, number by number.
func TestSavedIsExact(t *testing.T) {
	s, _, _ := journaled(t, t.TempDir(), time.Hour)
	tr := keptTrainer(t, s, "0.01 iris", "created")
	finish(t, tr, 2)
	if err := tr.SetValid(tr.Spec().Data); err != nil { // a table of other columns
		t.Fatal(err)
	}
	finish(t, tr, 1)
	was, err := tr.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file, err := (&saved{session: "n", name: "a", text: "text", data: map[string]string{"x": "y"}, was: was}).file()
	if err != nil {
		t.Fatal(err)
	}
	back, err := savedOf(file)
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.file()
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(again.Meta) != fmt.Sprint(file.Meta) || len(again.Arrays) != len(file.Arrays) {
		t.Errorf("%v became %v", file.Meta, again.Meta)
	}
	for i, a := range again.Arrays {
		if b := file.Arrays[i]; a.Name != b.Name || !bytes.Equal(a.Data, b.Data) {
			t.Errorf("%s became %s", b.Name, a.Name)
		}
	}
}
