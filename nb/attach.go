package nb

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Attach is a handle of a trainer of another notebook, by the notebook's path from
// this one and the trainer's name: nb.Attach("other.ipynb/digits"). Both notebooks
// use it as their own, and both see how it goes: Wait follows a training that the
// other one began. Without a path it is a trainer of this notebook.
func Attach(path string) *Trainer {
	pos := userPos()
	notebook, name := filepath.Split(path)
	if name == "" {
		argument(`like nb.Attach("other.ipynb/digits")`, "%q names no trainer", path)
	}
	own := sessionName()
	dir := own
	if filepath.Ext(own) == ".ipynb" {
		dir = filepath.Dir(own)
	}
	switch {
	case notebook == "":
		notebook = own
	case !filepath.IsAbs(notebook):
		notebook = filepath.Join(dir, notebook)
	}
	return &Trainer{spec: wire.TrainerSpec{Name: filepath.Join(notebook, name)}, where: Error{File: pos.File, Line: pos.Line}, attached: true}
}

// find asks whether the trainer that a handle attaches to is there.
func (t *Trainer) find() {
	if _, err := call[wire.Run](&wire.AskTrainer{Trainer: t.spec.Name, Brief: true}); err != nil {
		t.failed(err)
	}
}

// failed raises an error of the declaration, at its line.
func (t *Trainer) failed(err error) {
	e := toError(err)
	if e.Code != CodeCore {
		e.File, e.Line = t.where.File, t.where.Line
	}
	fail(e)
}

// TrainerInfo tells of a trainer in the core.
type TrainerInfo struct {
	Path         string // for Attach
	State        string // see Trainer.State, or "asleep"
	Epoch, Steps int
	LR           float64
	Train, Valid Metrics // of the last epoch
	Note         string  // why it stopped or failed
}

// TrainerList prints as a table.
type TrainerList []TrainerInfo

// Trainers lists the trainers of all notebooks in the core, and those that are on
// the disk alone, whose state is "asleep": for want of memory, or of this notebook
// also from a core before. Whoever uses one wakes it.
func Trainers() (list TrainerList) {
	for _, s := range mustCall[wire.Status](&wire.StatusRequest{}).Sessions {
		for _, i := range s.Trainers {
			list = append(list, TrainerInfo{Path: filepath.Join(s.Name, i.Name), State: i.State, Epoch: i.Epoch, Steps: int(i.Step),
				LR: i.LR, Train: metrics(i.Last.Train), Valid: metrics(i.Last.Valid), Note: i.Note})
		}
	}
	return list
}

// String is a table of the trainers.
func (l TrainerList) String() string {
	rows := [][]string{{"trainer", "state", "epoch", "steps", "lr", "loss", "validation"}}
	for _, i := range l {
		row := []string{i.Path, i.State, fmt.Sprint(i.Epoch), fmt.Sprint(i.Steps), fmt.Sprintf("%.4g", i.LR), "", ""}
		for k, m := range []Metrics{i.Train, i.Valid} {
			if loss, ok := m["loss"]; ok {
				row[5+k] = shortNumber(loss)
			}
		}
		rows = append(rows, row)
	}
	return strings.TrimSuffix(aligned(rows), "\n")
}

// Compare shows the trainings of several trainers in one chart and one table: of
// each the losses, on the validation data where it has some.
func Compare(trainers ...*Trainer) {
	if len(trainers) == 0 {
		argument("like nb.Compare(a, b)", "no trainers to compare")
	}
	req := &wire.Picture{What: "compare"}
	for _, t := range trainers {
		t.Attach()
		req.Trainers = append(req.Trainers, t.spec.Name)
	}
	ShowPicture(req)
}

// owned refuses what a trainer's own notebook alone can do.
func (t *Trainer) owned(method string) {
	if t.attached {
		argument("call it in the notebook that declares the trainer", "%s of %s, which is another notebook's", method, t.spec.Name)
	}
}
