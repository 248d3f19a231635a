package nb_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/server/servertest"
	"github.com/metalnb/metalnb/nb"
)

func TestCheckpointErrors(t *testing.T) {
	tr := nb.NewTrainer("checked", nb.Input(8, 8, 1).Flatten().Dense(10), nb.Config{Data: digits.Train})
	defer tr.Drop()
	for text, f := range map[string]func(){
		"a checkpoint needs a name":        func() { tr.Checkpoint("") },
		`there is no checkpoint "best"`:    func() { tr.Restore("best") },
		"is no file of a trainer":          func() { tr.Save("best.npz") },
		"no such file":                     func() { tr.Restore("best.safetensors") },
		`a trainer cannot be called "a/b"`: func() { tr.Fork("a/b") },
		"a trainer needs a name":           func() { tr.Rename("") },
		"the checkpoint is not written:":   func() { tr.Save("/nowhere/at/all/best.safetensors") },
	} {
		if e := raised(t, f); !strings.Contains(e.Message, text) || e.Remedy == "" && e.Code != nb.CodeArgument && e.Code != nb.CodeResource ||
			filepath.Base(e.File) != "checkpoints_test.go" {
			t.Errorf("%v, want %q", e, text)
		}
	}
}

// A trainer that was renamed is another one's way out, too, and a file is one
// that its folder's programs find.
func TestRenamedAndSaved(t *testing.T) {
	t.Chdir(t.TempDir())
	declare := func(name string) *nb.Trainer {
		return nb.NewTrainer(name, nb.Input(8, 8, 1).Flatten().Dense(10), nb.Config{Data: digits.Train})
	}
	tr := declare("old name")
	tr.Start(1)
	tr.Wait()
	tr.Rename("new name")
	defer tr.Drop()
	c := tr.Save("mine.safetensors")
	if info, err := os.Stat("mine.safetensors"); err != nil || int(info.Size()) != c.Bytes || !filepath.IsAbs(c.Path) || c.Epoch != 1 || c.Step != tr.Steps() {
		t.Errorf("%v: %v", c, err)
	}
	old := declare("old name")
	defer old.Drop()
	if n := old.Steps(); n != 0 {
		t.Errorf("another trainer of the old name has taken %d steps", n)
	}
	old.Restore("mine.safetensors")
	if declare("new name").Epoch() != 1 || old.Epoch() != 1 || !reflect.DeepEqual(old.Logits(digits.Test.X(0, 1)).Values(), tr.Logits(digits.Test.X(0, 1)).Values()) {
		t.Error("they are not the same")
	}
}

// A cell that comes to a new core has its trainer again, and hears how.
func TestRestoredAndSaid(t *testing.T) {
	core := servertest.Shared
	again := func(journal time.Duration) {
		t.Helper()
		if err := core.End(); err != nil {
			t.Fatal(err)
		}
		core.Journal = journal
		if err := core.Begin(); err != nil {
			t.Fatal(err)
		}
		nb.Try(func() { nb.Devices() }) // finds the old core gone
	}
	again(time.Hour)
	defer again(0)
	mine := nb.Data("mine", [][]float64{{1}, {2}, {3}}, []float64{3, 5, 7})
	tr := nb.NewTrainer("back", nb.Input(1).Dense(1), nb.Config{Data: mine})
	tr.Start(4)
	tr.Wait()
	want := tr.Predict(nb.Array([]float32{5})).Values()
	again(time.Hour)
	if list := nb.Trainers(); len(list) != 1 || list[0].State != "asleep" || list[0].Epoch != 4 || list[0].Train["loss"] == 0 {
		t.Errorf("before it is touched there is\n%v", list)
	}
	said := printed(t, func() {
		if n := tr.Epoch(); n != 4 {
			t.Errorf("%d epochs", n)
		}
	})
	if !strings.HasPrefix(said, "trainer back: restored from the journal of ") || !strings.HasSuffix(said, "after step 4 (epoch 5, step 0 of 1); nothing was lost\n") {
		t.Errorf("the cell hears %q", said)
	}
	if text := tr.String(); !strings.Contains(text, "\nrestored from the journal of ") || !reflect.DeepEqual(tr.Predict(nb.Array([]float32{5})).Values(), want) {
		t.Error(text)
	}
	if said := printed(t, func() { nb.NewTrainer("back", nb.Input(1).Dense(1), nb.Config{Data: mine}).Epoch() }); said != "" {
		t.Errorf("the next cell hears %q", said)
	}
	tr.Drop()
}

// printed is what f prints.
func printed(t *testing.T, f func()) string {
	t.Helper()
	old := os.Stdout
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	os.Stdout = file
	defer func() { os.Stdout = old }()
	f()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
