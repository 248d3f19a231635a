package nb

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Fork makes another trainer of this notebook that is what t is at this moment:
// weights, optimizer, position in its training, history. It costs a copy of these;
// the data are shared, and a training of t goes on. When there is a trainer of that
// name and the same declaration, Fork attaches to it, so that it may stand where
// declarations do; Drop it first to copy anew. Of a trainer of another notebook it
// makes one of this notebook, which other cells find with nb.Attach(name).
func (t *Trainer) Fork(name string) *Trainer {
	pos := userPos()
	say(name, ask[wire.Declared](t, &wire.Fork{Trainer: t.spec.Name, As: name}))
	out := &Trainer{spec: t.spec, data: t.data, where: Error{File: pos.File, Line: pos.Line}, model: t.model, loss: t.loss, attached: t.attached, declared: losses() + 1}
	out.spec.Name = name
	return out
}

// Rename gives the trainer another name in the core, also while it trains. A
// declaration of the old name makes a new trainer.
func (t *Trainer) Rename(name string) {
	t.owned("Rename")
	ask[wire.Trained](t, &wire.Rename{Trainer: t.spec.Name, As: name})
	t.spec.Name = name
}

// Checkpoint is a trainer in a file: weights, optimizer, position and history.
type Checkpoint struct {
	Name  string // empty of one that Save made
	Path  string
	Time  time.Time
	Epoch int // epochs completed
	Step  int // steps taken
	Bytes int

	Kept   bool    // made by the training, see Keep
	Metric string  // that Keep watches, as "validation loss"; empty for none
	Value  float64 // of it at the epoch's end
}

// String says it in a line.
func (c Checkpoint) String() string {
	what := c.Name
	if what == "" {
		what = c.Path
	}
	s := fmt.Sprintf("%s: epoch %d, step %d, %.1f MB, of %s", what, c.Epoch, c.Step, float64(c.Bytes)/1e6, c.Time.Format(time.DateTime))
	if c.Metric != "" {
		s += fmt.Sprintf(", %s %.4g", c.Metric, c.Value)
	}
	return s
}

// Checkpoint writes the trainer as it is now to a file that stays until it is
// removed, also while it trains. One of the same name is replaced.
func (t *Trainer) Checkpoint(name string) Checkpoint {
	if name == "" {
		argument(`like t.Checkpoint("best")`, "a checkpoint needs a name")
	}
	return t.save(&wire.Save{Trainer: t.spec.Name, Name: name})
}

// Save is Checkpoint to a file of your own, as run/best.safetensors. Its arrays are
// the weights and the optimizer's states by their names, in the format of that
// name, which Python reads, too.
func (t *Trainer) Save(path string) Checkpoint {
	return t.save(&wire.Save{Trainer: t.spec.Name, Path: absolute(path)})
}

func (t *Trainer) save(req *wire.Save) Checkpoint {
	return checkpoints(ask[wire.Checkpoints](t, req))[0]
}

// Checkpoints lists what Checkpoint has written of this trainer, and what its
// trainings have, see Keep, the latest last.
func (t *Trainer) Checkpoints() []Checkpoint {
	return checkpoints(ask[wire.Checkpoints](t, &wire.AskCheckpoints{Trainer: t.spec.Name}))
}

// DropCheckpoint removes a checkpoint that has a name.
func (t *Trainer) DropCheckpoint(name string) {
	ask[wire.OK](t, &wire.DropCheckpoint{Trainer: t.spec.Name, Name: name})
}

// Restore makes the trainer what a checkpoint is: one with a name, or a file, when
// it ends in .safetensors. Unless one has that name, "best" is the one with the best
// number of those that Keep has made, and "last" the latest of all. The next Fit goes on from there. It is refused while the
// trainer trains.
func (t *Trainer) Restore(checkpoint string) {
	req := &wire.Restore{Trainer: t.spec.Name, Name: checkpoint}
	if strings.HasSuffix(checkpoint, ".safetensors") {
		req.Name, req.Path = "", absolute(checkpoint)
	}
	ask[wire.Trained](t, req)
}

func checkpoints(m *wire.Checkpoints) []Checkpoint {
	out := make([]Checkpoint, len(m.List))
	for i, c := range m.List {
		out[i] = Checkpoint{Name: c.Name, Path: c.Path, Time: time.Unix(0, c.Time), Epoch: c.Epoch, Step: int(c.Step), Bytes: int(c.Bytes),
			Kept: c.Kept, Metric: c.Metric, Value: c.Value}
	}
	return out
}

// absolute is a path as the core, which runs in another folder, finds it.
func absolute(path string) string {
	dir, err := os.Getwd()
	if err != nil || path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// say prints what the user should know of a trainer that was attached to.
func say(name string, d *wire.Declared) {
	if d.Say != "" {
		fmt.Printf("trainer %s: %s\n", name, d.Say)
	}
}
