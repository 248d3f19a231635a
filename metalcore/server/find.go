package server

import (
	"path/filepath"

	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// locate finds the session of a trainer, and its name there: a name that is an
// absolute path is that of another notebook's, or of this one's.
func (c *client) locate(name string) (s *runtime.Session, own string, leave func()) {
	dir := filepath.Dir(name)
	switch {
	case !filepath.IsAbs(name):
		return c.session, name, func() {}
	case dir == c.session.Name():
		return c.session, filepath.Base(name), func() {}
	}
	s, leave = c.server.core.Join(dir)
	return s, filepath.Base(name), leave
}

// use finds the trainer that a request names, and keeps it awake until the function is
// called.
func (c *client) use(name string) (*runtime.Trainer, func(), error) {
	s, own, leave := c.locate(name)
	t, done, err := s.Use(own)
	if err != nil {
		leave()
		return nil, nil, err
	}
	return t, func() { done(); leave() }, nil
}

func (c *client) drop(req *wire.Drop) (wire.Message, error) {
	s, own, leave := c.locate(req.Trainer)
	defer leave()
	return &wire.OK{}, s.Drop(own)
}

// compare draws the trainings of several trainers.
func (c *client) compare(names []string) ([]wire.Item, error) {
	var runs []wire.Run
	for _, name := range names {
		t, release, err := c.use(name)
		if err != nil {
			return nil, err
		}
		run := runOf(t)
		run.Info.Name = filepath.Join(t.Session().Name(), run.Info.Name)
		release()
		runs = append(runs, *run)
	}
	return c.server.Renderer.Compare(runs), nil
}
