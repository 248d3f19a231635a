package runtime

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
	"github.com/metalnb/metalnb/metalcore/train"
)

// Asleep is the state of a trainer that is on the disk alone: it sleeps for want of
// memory, or a core before has left it.
const Asleep train.State = "asleep"

// Written tells of the session's trainers that are on the disk alone, as far as
// their files say it at the first look, in the order of the files' names.
func (s *Session) Written() (list []train.Info) {
	j := s.core.journal
	if j.off() {
		return nil
	}
	dir := filepath.Dir(j.path(s.name, ""))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // nothing was ever written
	}
	listed := map[string]bool{}
	for _, t := range s.Trainers() {
		listed[j.path(s.name, t.Name())] = true // it is awake
	}
	for _, e := range entries { // a file, and then the one before it
		path := filepath.Join(dir, e.Name())
		for _, place := range []string{path, strings.TrimSuffix(path, checkpoint.Before(""))} {
			if !strings.HasSuffix(place, suffix) || listed[place] {
				continue
			}
			if i, ok := readInfo(path); ok && place == j.path(s.name, i.Name) && s.find(i.Name) == nil {
				listed[place] = true
				list = append(list, i)
			}
		}
	}
	return list
}

// readInfo reads what the head of a trainer's file says.
func readInfo(path string) (i train.Info, ok bool) {
	meta, err := checkpoint.ReadMeta(path)
	if err != nil {
		return i, false // whoever asks for it will be told
	}
	p, err := positionOf(meta)
	if err != nil {
		return i, false
	}
	i = train.Info{Name: meta["trainer"], State: Asleep, Note: "on the disk since " + clock(p.Time) + "; it comes back when it is used",
		Epoch: p.Epoch, Step: p.Step, EpochStep: p.EpochStep, LR: float64(p.LR)}
	if n := len(p.Columns); n > 0 && len(p.Last) == p.Columns[n-1].width() {
		i.Last = p.Columns[n-1].epoch(convert[float64](p.Last))
	}
	return i, true
}
