// Package device knows the backends there are. It opens one by its name, or the
// best one, and lists them all, with the reason why one is not there.
package device

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/backend/cuda"
	"github.com/metalnb/metalnb/metalcore/backend/metal"
)

// Env names the environment variable that chooses the device where nothing else
// does.
const Env = "METALNB_DEVICE"

// Auto is the name that stands for the first kind of a table that opens.
const Auto = "auto"

// Kind is one row of a table of devices.
type Kind struct {
	Name string
	Auto bool // may be chosen without being named
	Open func() (backend.Device, error)

	// Selectors compares the encodings of the messages that the backend sends
	// with those of the runtime; nil where no messages are sent.
	Selectors func() (checked int, problems []string)
}

// Table is a list of kinds, the best first.
type Table []Kind

// All are the devices that metalnb knows. The CPU computes on the given number
// of threads; 0 means as many as there are processors. CUDA is there to try the
// generator of GPU kernels, so it must be asked for.
func All(threads int) Table {
	return Table{
		{Name: "metal", Auto: true, Open: metal.New, Selectors: metal.Selectors},
		{Name: "cuda", Open: cuda.New},
		{Name: "cpu", Auto: true, Open: func() (backend.Device, error) { return cpu.New(threads), nil }},
	}
}

// UnknownError is the error of a name that no kind has.
type UnknownError struct {
	Name  string
	Known []string
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no device %q: there are %s", e.Name, strings.Join(e.Known, ", "))
}

// Names are the names that Open takes.
func (t Table) Names() []string {
	names := []string{Auto}
	for _, k := range t {
		names = append(names, k.Name)
	}
	return names
}

// Open opens the device of that name. Without a name, or with Auto, it is the
// first of those that may be chosen so and can be opened. The error of a backend
// that is not there is a *backend.UnavailableError.
func (t Table) Open(name string) (backend.Device, error) {
	if cmp.Or(name, Auto) == Auto {
		return t.best()
	}
	i := slices.IndexFunc(t, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return nil, &UnknownError{name, t.Names()}
	}
	return t[i].Open()
}

func (t Table) best() (backend.Device, error) {
	all := []error{errors.New("no device can be opened")}
	for _, k := range t {
		if !k.Auto {
			continue
		}
		dev, err := k.Open()
		if err == nil {
			return dev, nil
		}
		all = append(all, err)
	}
	return nil, errors.Join(all...)
}

// Entry is what List tells of a kind: what it is, or why it is not there.
type Entry struct {
	Kind string
	Info backend.Info
	Used bool // it is the device in use
	Err  error
}

// List tells what there is. It opens each device for a moment, but for the one
// in use, which may be nil.
func (t Table) List(used backend.Device) []Entry {
	var list []Entry
	for _, k := range t {
		e := Entry{Kind: k.Name}
		if used != nil && used.Info().Kind == k.Name {
			e.Info, e.Used = used.Info(), true
		} else if dev, err := k.Open(); err != nil {
			e.Err = err
		} else {
			e.Info, e.Err = dev.Info(), dev.Close()
		}
		list = append(list, e)
	}
	return list
}
