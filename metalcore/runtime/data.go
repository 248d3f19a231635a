package runtime

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/ir"
)

// Ref names data, or a part of it that a seeded split draws.
type Ref struct {
	Source string
	User   bool
	Part   string // "train", "test", or "" for all rows
	Share  float64
	Seed   int64
}

// Upload is a user's data, with the parts that were split off it.
type Upload struct {
	hash  string // what the client knows it by
	set   *feed.Set
	parts parts
	sum   func() string
	from  *origin // nil of data that a cell sent
}

func newUpload(hash string, set *feed.Set) *Upload {
	u := &Upload{hash: hash, set: set}
	u.sum = sync.OnceValue(func() string {
		h := sha256.New()
		fmt.Fprintf(h, "%q %v %v %v %q\n", set.Name, set.X, set.Y, set.W, set.Classes)
		for _, a := range []feed.Array{set.X, set.Y, set.W} {
			h.Write(a.Data)
		}
		return hex.EncodeToString(h.Sum(nil)[:16])
	})
	return u
}

// HasData reports whether data of that name and content is there.
func (s *Session) HasData(name, hash string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.data[name]
	return u != nil && u.hash == hash
}

// PutData keeps a user's data; data of that name that differs is let go once
// no trainer uses it.
func (s *Session) PutData(name, hash string, x, y feed.Array, classes []string) error {
	return s.PutWeighted(name, hash, x, y, feed.Array{}, classes)
}

// PutWeighted is PutData with what each row counts, numbers [N].
func (s *Session) PutWeighted(name, hash string, x, y, weights feed.Array, classes []string) error {
	if err := checkName("data", name); err != nil {
		return err
	}
	set, err := feed.NewSet(name, x, y, classes)
	if err == nil {
		if set.W = weights; weights.DType.Valid() && weights.Check() == nil {
			set.W = weights.Cast(ir.F32)
		}
		err = set.Check()
	}
	if err != nil {
		return wrap(BadData, "", err)
	}
	return s.admit(name, newUpload(hash, set))
}

// admit keeps data, if there is room for it.
func (s *Session) admit(name string, u *Upload) error {
	u.set.Session = s.name
	if u.set.Source == nil {
		if err := s.core.admit(u.set.Bytes(), u.set.Owner()); err != nil {
			return err
		}
	}
	s.keep(name, u)
	return nil
}

// Data returns the data that a reference names.
func (s *Session) Data(ref Ref) (*feed.Set, error) {
	set, _, err := s.Find(ref)
	return set, err
}

// Find is Data that also tells whose part it is; nil of a built-in set.
func (s *Session) Find(ref Ref) (*feed.Set, *Upload, error) {
	if !ref.User {
		set, err := s.core.builtinSet(ref)
		return set, nil, err
	}
	u, err := s.upload(ref.Source)
	if err != nil {
		return nil, nil, err
	}
	set, err := u.parts.part(ref, u.set)
	return set, u, err
}

func (s *Session) upload(name string) (*Upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.data[name]; u != nil {
		return u, nil
	}
	return nil, errorf(Unknown, known("the data of this notebook are", s.data, "make some with nb.Data"), "there is no data %q", name)
}

// DataNames lists the user's data.
func (s *Session) DataNames() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.data))
}

// mostSplits is the number of splits that are kept. They are copies of the
// rows, and one that was let go is made again with the same rows.
const mostSplits = 8

// parts keeps the latest splits of sets.
type parts struct {
	mu     sync.Mutex
	splits []split
}

type split struct {
	ref         Ref // without its Part
	whole       *feed.Set
	train, test *feed.Set
}

// part returns the part of a set that the reference names.
func (p *parts) part(ref Ref, whole *feed.Set) (*feed.Set, error) {
	switch ref.Part {
	case "":
		return whole, nil
	case "train", "test":
	default:
		return nil, errorf(BadRequest, `use "train" or "test"`, "a split has no part %q", ref.Part)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := ref
	key.Part = ""
	at := slices.IndexFunc(p.splits, func(s split) bool { return s.ref == key && s.whole == whole })
	if at < 0 {
		train, test, err := whole.Split(ref.Share, ref.Seed)
		if err != nil {
			return nil, wrap(BadData, "choose another share for the test part", err)
		}
		at = len(p.splits)
		p.splits = append(p.splits, split{key, whole, train, test})
	}
	found := p.splits[at]
	p.splits = append(slices.Delete(p.splits, at, at+1), found) // the latest is the last
	if len(p.splits) > mostSplits {
		p.splits = slices.Delete(p.splits, 0, 1)
	}
	if ref.Part == "train" {
		return found.train, nil
	}
	return found.test, nil
}

func (c *Core) builtinSet(ref Ref) (*feed.Set, error) {
	whole, err := feed.Builtin(ref.Source)
	if err != nil {
		return nil, wrap(Unknown, "", err)
	}
	return c.builtin.part(ref, whole)
}
