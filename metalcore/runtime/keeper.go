package runtime

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/metalnb/metalnb/metalcore/train"
)

// keeper makes the checkpoints that a trainer is to keep. The training hands copies
// of itself over, of which no more wait than are to stay; a goroutine of the journal
// writes what waits, and then removes what that takes the place of.
type keeper struct {
	mu     sync.Mutex // guards what follows
	read   bool       // list has what was on the disk
	list   []*taken   // in the order of time
	gone   []string   // names of those to be removed, some of them never written
	failed string     // why one is not written
	ended  time.Time  // of the last writing
}

// taken is a checkpoint that is kept.
type taken struct {
	Checkpoint
	was *train.Snapshot // nil when it is written
}

// offer hands a training over that is at a moment for which a checkpoint is wanted.
// It runs on the training's goroutine.
func (t *Trainer) offer(m train.Moment, take func() (*train.Snapshot, error)) {
	keep, k := t.declaration().Keep, &t.keeper
	c, ok := keep.candidate(m)
	if !ok {
		return
	}
	defer func() { t.session.core.journal.keeps.put(t, k.pause()) }()
	if !k.wants(t, keep, c) {
		return
	}
	was, err := take() // nothing is locked: somebody else may have to give memory up for it
	if err != nil {
		k.fail(fmt.Sprintf("checkpoint %s is not made: %v", c.Name, err))
		return
	}
	k.add(t, keep, c, was)
}

// wants reports whether a checkpoint is to be made. Copies that wait for the disk
// have no more memory than the core gives to one, and one copy.
func (k *keeper) wants(t *Trainer, keep Keep, c Checkpoint) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.load(t)
	c.Name = k.free(t, c.Name)
	stay, sum := k.stay(keep, c), int64(0)
	if !stay[c.Name] {
		k.prune(stay)
		return false
	}
	for _, x := range k.list {
		if x.was != nil && stay[x.Name] {
			sum += x.was.Bytes()
		}
	}
	if limit := t.session.core.Limit(); limit > 0 && sum > limit {
		k.failed = fmt.Sprintf("checkpoint %s is not made: those that wait for the disk take %.3g GB of memory", c.Name, float64(sum)/1e9)
		return false
	}
	return true
}

// add has a copy written, and those removed that do not stay beside it.
func (k *keeper) add(t *Trainer, keep Keep, c Checkpoint, was *train.Snapshot) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c.Name, c.Time, c.Epoch = k.free(t, c.Name), was.Time, was.Epoch // the user may have taken a name meanwhile
	stay := k.stay(keep, c)
	k.list = append(k.list, &taken{c, was})
	k.prune(stay)
}

// stay are the names of the checkpoints that stay when there is one more.
func (k *keeper) stay(keep Keep, c Checkpoint) map[string]bool {
	var list []Checkpoint
	for _, x := range k.list {
		list = append(list, x.Checkpoint)
	}
	return keep.stay(append(list, c))
}

// prune has those removed that do not stay.
func (k *keeper) prune(stay map[string]bool) {
	k.list = slices.DeleteFunc(k.list, func(x *taken) bool {
		if !stay[x.Name] {
			k.gone = append(k.gone, x.Name)
		}
		return !stay[x.Name]
	})
}

// load reads the list of what is on the disk, once.
func (k *keeper) load(t *Trainer) {
	if k.read {
		return
	}
	k.read = true
	list, _ := t.saved() // of those that cannot be read, Checkpoints tells
	for _, c := range list {
		if c.Kept {
			k.list = append(k.list, &taken{Checkpoint: c})
		}
	}
}

// free is a name like that which no checkpoint has: training may come by an epoch
// again.
func (k *keeper) free(t *Trainer, name string) string {
	used := func(name string) bool {
		path, err := t.place(name, "")
		if err == nil {
			_, err = os.Stat(path)
		}
		return err == nil || slices.Contains(k.gone, name) || slices.ContainsFunc(k.list, func(x *taken) bool { return x.Name == name })
	}
	first := name
	for n := 2; used(name); n++ {
		name = fmt.Sprintf("%s-%d", first, n)
	}
	return name
}

// begin returns the checkpoints to be written now, and the names of those to be
// removed then.
func (k *keeper) begin() (write []taken, remove []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, x := range k.list {
		if x.was != nil {
			write = append(write, *x)
		}
	}
	remove, k.gone = k.gone, nil
	return write, remove
}

// end takes down how the writing of a checkpoint went. It returns true when that
// has changed.
func (k *keeper) end(name string, err error) (change bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	failed := ""
	if err != nil {
		failed = fmt.Sprintf("checkpoint %s is not written: %v", name, err)
	}
	change = (k.failed == "") != (failed == "")
	k.failed, k.ended = failed, time.Now()
	for _, x := range k.list {
		if x.Name == name && err == nil {
			x.was = nil
		}
	}
	return change
}

// leave has checkpoints removed later.
func (k *keeper) leave(names []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone = append(names, k.gone...)
}

// disown forgets a checkpoint, which is the user's, or nobody's; all of them when
// it has no name.
func (k *keeper) disown(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list = slices.DeleteFunc(k.list, func(x *taken) bool { return name == "" || x.Name == name })
	k.gone = slices.DeleteFunc(k.gone, func(x string) bool { return name == "" || x == name })
}

// waiting are the copies of those that are not on the disk.
func (k *keeper) waiting() (list []*train.Snapshot) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, x := range k.list {
		if x.was != nil {
			list = append(list, x.was)
		}
	}
	return list
}

// pause is when the next may be written.
func (k *keeper) pause() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ended.Add(epochPause)
}

func (k *keeper) fail(why string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed = why
}

func (k *keeper) note() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed
}

// keptAgain is when what could not be written is tried again, at the latest.
const keptAgain = 15 * time.Second

// writeKept writes the checkpoints that a trainer has handed over, and removes what
// they have taken the place of.
func (j *Journal) writeKept(t *Trainer) {
	t.session.files.RLock()
	defer t.session.files.RUnlock()
	j.writeWaiting(t)
}

// writeWaiting is writeKept for who holds session.files.
func (j *Journal) writeWaiting(t *Trainer) {
	k := &t.keeper
	t.kept.writing.Lock()
	defer t.kept.writing.Unlock()
	write, remove := k.begin()
	for _, x := range write {
		err := j.writeOne(t, x)
		switch change := k.end(x.Name, err); {
		case change && err != nil:
			j.Log("journal: checkpoint %s of trainer %q of %s is not written: %v", x.Name, t.Name(), t.session.name, err)
		case change:
			j.Log("journal: checkpoints of trainer %q of %s are written again", t.Name(), t.session.name)
		}
		if err != nil {
			k.leave(remove)
			j.keeps.put(t, time.Now().Add(keptAgain))
			return
		}
	}
	for _, name := range remove {
		if path, err := t.place(name, ""); err == nil {
			os.Remove(path)
		}
	}
}

func (j *Journal) writeOne(t *Trainer, x taken) error {
	j.saving.Add(1)
	defer j.saving.Add(-1)
	path, err := t.place(x.Name, "")
	if err != nil {
		return err
	}
	return t.write(path, &saved{as: x.Name, was: x.was, mark: &mark{x.Metric, number(x.Value)}})
}

// flush has all checkpoints on the disk that a training has handed over so far.
func (t *Trainer) flush() {
	if j := t.session.core.journal; !j.none() {
		j.writeKept(t)
	}
}

// forgetKept removes the checkpoints of a folder that trainings made by themselves.
func forgetKept(dir string) {
	list, _ := checkpointsIn(dir)
	for _, c := range list {
		if c.Kept {
			os.Remove(c.Path)
		}
	}
	os.Remove(dir) // if it is empty
}
