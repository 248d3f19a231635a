package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/metalnb/metalnb/metalcore/feed"
	"github.com/metalnb/metalnb/metalcore/feed/load"
)

// origin says where data comes from that the journal need not keep: files that
// are read again, or a program that makes the rows again.
type origin struct {
	Files   *load.Spec
	X, Y    *feed.Array // of a stream, without elements
	Classes []string
}

// LoadData keeps what files hold as data of a name. Files that are there and
// have not changed are not read again.
func (s *Session) LoadData(ctx context.Context, name string, spec load.Spec) error {
	if !utf8.ValidString(name) { // it holds paths and settings
		return errorf(BadRequest, "give the file another name", "%q is no text in UTF-8", name)
	}
	stamp, err := spec.Stamp()
	if err != nil {
		return wrap(BadData, "", err)
	}
	if s.HasData(name, stamp) {
		return nil
	}
	u, err := loadUpload(ctx, name, stamp, &origin{Files: &spec}, s.core.room())
	if err != nil {
		return err
	}
	return s.admit(name, u)
}

func (s *Session) keep(name string, u *Upload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.set.Session = s.name
	s.data[name] = u
}

// loadUpload reads files that have the stamp.
func loadUpload(ctx context.Context, name, stamp string, from *origin, room load.Room) (*Upload, error) {
	set, err := load.Load(ctx, name, *from.Files, room)
	if err != nil {
		return nil, unread(err, room.Dir)
	}
	set.Stamp = stamp
	return originated(stamp, set, from), nil
}

// unread is the error of files that could not be read, with what can be done.
func unread(err error, dir string) error {
	tooLarge, ok := errors.AsType[*load.LimitError](err)
	_, full := errors.AsType[*load.SpoolError](err)
	switch {
	case full, ok && tooLarge.Dir != "":
		return wrap(Resource, fmt.Sprintf("free some space for %s; or set METALNB_DIR to a directory of a larger disk, after `metalnb stop`", dir), err)
	case ok:
		return wrap(Resource, "make it smaller, or have the core take more memory: METALNB_MEMORY says how much", tooLarge)
	}
	return wrap(BadData, "", err)
}

// room is where rows that are read are kept.
func (c *Core) room() load.Room { return load.Room{Memory: c.Limit(), Dir: c.limits.Spool} }

// originated is data of an origin, which is told apart by the stamp.
func originated(stamp string, set *feed.Set, from *origin) *Upload {
	u := newUpload(stamp, set)
	u.from = from
	u.sum = func() string {
		sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", set.Name, stamp))
		return hex.EncodeToString(sum[:16])
	}
	return u
}

// OpenStream declares data whose rows a program makes: x and y have the type and
// shape of all rows, and no elements. It is the data that is there if that is
// declared alike.
func (s *Session) OpenStream(name string, x, y feed.Array, classes []string) error {
	if err := checkName("data", name); err != nil {
		return err
	}
	stamp := fmt.Sprintf("stream %v %v %q", x, y, classes)
	if s.HasData(name, stamp) {
		return nil
	}
	u, err := streamUpload(name, stamp, &origin{X: &x, Y: &y, Classes: classes})
	if err == nil {
		s.keep(name, u)
	}
	return err
}

func streamUpload(name, stamp string, from *origin) (*Upload, error) {
	row := func(a *feed.Array) int { return a.RowShape().Elems() * a.DType.Size() }
	if row(from.X) == 0 || row(from.Y) == 0 {
		return nil, errorf(BadData, "give each row numbers", "data %q: x is %v and y is %v", name, from.X, from.Y)
	}
	set, err := feed.NewSourced(name, feed.NewStream(row(from.X), row(from.Y)), *from.X, *from.Y, from.Classes)
	if err != nil {
		return nil, wrap(BadData, "", err)
	}
	set.Stamp, set.About = stamp, "made by a program of the notebook"
	return originated(stamp, set, from), nil
}

// Stream returns the stream of that name.
func (s *Session) Stream(name string) (*feed.Stream, error) {
	u, err := s.upload(name)
	if err != nil {
		return nil, err
	}
	if stream, ok := u.set.Source.(*feed.Stream); ok {
		return stream, nil
	}
	return nil, errorf(Changed, "give the stream a name of its own", "data %q is no stream any more", name)
}

// again makes data of an origin that was written down.
func again(name, stamp, text string, room load.Room) (*Upload, error) {
	from := &origin{}
	if err := json.Unmarshal([]byte(text), from); err != nil {
		return nil, err
	}
	if from.Files == nil && from.X != nil && from.Y != nil {
		return streamUpload(name, stamp, from)
	}
	if from.Files == nil {
		return nil, errors.New("it says nothing of where the data come from")
	}
	now, err := from.Files.Stamp()
	if err != nil {
		return nil, err
	}
	if now != stamp {
		return nil, fmt.Errorf("its files have changed: %q", from.Files.Paths)
	}
	return loadUpload(context.Background(), name, stamp, from, room)
}
