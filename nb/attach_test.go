package nb_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/nb"
)

// A handle that attaches is as good as one that declares.
func TestAttach(t *testing.T) {
	tr := nb.NewTrainer("attached", nb.Input(4).Dense(3), nb.Config{Data: datasets.Iris().Train, Valid: datasets.Iris().Test})
	defer tr.Drop()
	tr.FitSteps(9)
	var path string
	for _, i := range nb.Trainers() {
		if filepath.Base(i.Path) == "attached" {
			path = i.Path
			if i.State != "finished" || i.Steps != 9 || i.Epoch != 2 || i.Valid["loss"] == 0 {
				t.Errorf("the list has %+v", i)
			}
		}
	}
	for _, name := range []string{path, "attached"} {
		h := nb.Attach(name)
		if h.Steps() != 9 || h.Evaluate(datasets.Iris().Test)["loss"] != tr.Evaluate(datasets.Iris().Test)["loss"] {
			t.Errorf("%s is at step %d", name, h.Steps())
		}
		h.SetLR(0.5)
		if tr.LR() != 0.5 {
			t.Errorf("the rate is %v", tr.LR())
		}
	}
	fork := nb.Attach(path).Fork("forked")
	defer fork.Drop()
	fork.FitSteps(1)
	if n := nb.Attach("forked").Steps(); n != 10 || tr.Steps() != 9 || fork.Name() != "forked" {
		t.Errorf("%s is at step %d, and what it is a fork of at %d", fork.Name(), n, tr.Steps())
	}
	if list := nb.Trainers().String(); !strings.Contains(list, path+"  finished  2") {
		t.Errorf("the list is\n%s", list)
	}
	for what, f := range map[string]func(){
		`there is no trainer "nobody"`:    func() { nb.Attach("other.ipynb/nobody").Fit(1) },
		`"other.ipynb/" names no trainer`: func() { nb.Attach("other.ipynb/") },
		"no trainers to compare":          func() { nb.Compare() },
		"which is another notebook's":     func() { nb.Attach("attached").Rename("x") },
	} {
		if e := raised(t, f); !strings.Contains(e.Message, what) || filepath.Base(e.File) != "attach_test.go" {
			t.Errorf("%s: %v, at %s", what, e, e.File)
		}
	}
}

// A trainer of another notebook is used by its path.
func ExampleAttach() {
	t := nb.NewTrainer("flowers", nb.Input(4).Dense(3), nb.Config{Data: datasets.Iris().Train})
	defer t.Drop()
	t.StartSteps(3)
	t.Wait()
	fmt.Println(nb.Attach("flowers").Steps()) // in another notebook nb.Attach("this.ipynb/flowers")
	// Output:
	// 3
}
