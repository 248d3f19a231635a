package runtime

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/metalnb/metalnb/metalcore/checkpoint"
	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/feed/load"
)

// saveData writes a user's data down, unless they are there; of those that come
// from files only where they are.
func (j *Journal) saveData(u *Upload) error {
	path := j.dataPath(u.sum())
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	classes, err := json.Marshal(u.set.Classes)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err != nil {
		return err
	}
	f := &checkpoint.File{Meta: map[string]string{"metalnb": dataFormat, "name": u.set.Name, "hash": u.hash, "classes": string(classes)}}
	if u.from != nil {
		from, err := json.Marshal(u.from)
		if err != nil {
			return err
		}
		f.Meta["from"] = string(from)
		return checkpoint.Replace(path, f)
	}
	for _, a := range []struct {
		name string
		feed.Array
	}{{"x", u.set.X}, {"y", u.set.Y}, {"w", u.set.W}} {
		if a.DType != 0 {
			f.Arrays = append(f.Arrays, checkpoint.Array{Name: a.name, Type: checkpoint.Type(a.DType), Shape: a.Shape, Data: a.Data})
		}
	}
	return checkpoint.Replace(path, f)
}

// dataFormat is what a file of data says it holds.
const dataFormat = "data 1"

// sums are the names of such files.
var sums = regexp.MustCompile(`^[0-9a-f]{32}$`)

// loadData reads a user's data; room is for those that come from files.
func (j *Journal) loadData(sum string, room load.Room) (*Upload, error) {
	if !sums.MatchString(sum) {
		return nil, fmt.Errorf("%q does not name any", sum)
	}
	f, err := checkpoint.Read(j.dataPath(sum), 0)
	if err != nil {
		return nil, err
	}
	if from := f.Meta["from"]; from != "" {
		return again(f.Meta["name"], f.Meta["hash"], from, room)
	}
	set := &feed.Set{Name: f.Meta["name"]}
	if err := json.Unmarshal([]byte(f.Meta["classes"]), &set.Classes); err != nil {
		return nil, err
	}
	parts := map[string]*feed.Array{"x": &set.X, "y": &set.Y, "w": &set.W}
	for _, a := range f.Arrays {
		dtype, err := a.DType()
		if err != nil {
			return nil, err
		}
		if to := parts[a.Name]; to != nil {
			*to = feed.Array{DType: dtype, Shape: a.Shape, Data: a.Data}
		}
	}
	if err := set.Check(); err != nil {
		return nil, err
	}
	return newUpload(f.Meta["hash"], set), nil
}

// clean removes what killed cores left unfinished, and what is too old or too
// much: the files of the trainers that nobody has trained for longest, and data
// that no trainer needs. Age counts up to the latest file, so that neither a long
// absence nor a clock that is ahead removes all.
func (j *Journal) clean() {
	type file struct {
		path string
		info fs.FileInfo
	}
	var files []file
	sum := int64(0)
	filepath.WalkDir(j.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if d.IsDir() {
			checkpoint.Sweep(path)
			if strings.HasSuffix(path, checkpointDir) {
				return fs.SkipDir // those of trainers that are not removed stay
			}
			return nil
		}
		if info, err := d.Info(); err == nil && strings.Contains(d.Name(), suffix) && !strings.HasSuffix(path, beatSuffix) {
			sum += info.Size()
			files = append(files, file{path, info})
		}
		return nil
	})
	slices.SortFunc(files, func(a, b file) int { return a.info.ModTime().Compare(b.info.ModTime()) })
	now := time.Now()
	if n := len(files); n > 0 && files[n-1].info.ModTime().Before(now) {
		now = files[n-1].info.ModTime()
	}
	needed := map[string]bool{}
	for _, f := range files {
		old := j.Age > 0 && now.Sub(f.info.ModTime()) > j.Age
		switch {
		case filepath.Base(filepath.Dir(f.path)) == dataDir:
		case old || j.Bytes > 0 && sum > j.Bytes:
			sum -= f.info.Size()
			j.Log("journal: %s, of %s, is removed", f.path, f.info.ModTime().Format(time.DateTime))
			os.Remove(f.path)
			os.Remove(beatOf(f.path))
			if dir, ok := strings.CutSuffix(f.path, suffix); ok {
				forgetKept(dir + checkpointDir)
			}
			os.Remove(filepath.Dir(f.path)) // if it is empty
		default:
			needs(f.path, needed)
		}
	}
	for _, f := range files {
		if name, _ := strings.CutSuffix(filepath.Base(f.path), suffix); filepath.Dir(f.path) == filepath.Join(j.Dir, dataDir) && !needed[name] {
			os.Remove(f.path)
		}
	}
}

// needs adds the data that a file needs.
func needs(path string, all map[string]bool) {
	meta, err := checkpoint.ReadMeta(path)
	if err != nil {
		return // whoever asks for it will be told
	}
	data := map[string]string{}
	json.Unmarshal([]byte(meta["data"]), &data)
	for _, sum := range data {
		all[sum] = true
	}
}
