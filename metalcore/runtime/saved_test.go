package runtime

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
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

// Files that are whole and say nonsense are errors.
func FuzzSaved(f *testing.F) {
	f.Add(`{"Epoch":1,"Step":8,"LR":"0.01","Columns":[{"Train":["loss"],"Valid":null}]}`, `{"x":"y"}`, uint8(1), uint8(5))
	f.Add(`{"Step":-1,"LR":"NaN","Time":"2026-01-02T03:04:05Z"}`, `null`, uint8(0), uint8(4))
	f.Fuzz(func(t *testing.T, position, data string, r, w uint8) {
		rows, width := int(r), int(w)
		epochs := checkpoint.Array{Name: nameEpochs + "0", Type: "F64", Shape: []int{rows, width}, Data: make([]byte, 8*rows*width)}
		file := &checkpoint.File{Meta: map[string]string{"metalnb": format, "position": position, "data": data}, Arrays: []checkpoint.Array{epochs, table(nameCourse, 4, nil)}}
		s, err := savedOf(file)
		if err == nil && len(s.was.Epochs) > rows {
			t.Errorf("%d epochs of %d rows", len(s.was.Epochs), rows)
		}
	})
}
