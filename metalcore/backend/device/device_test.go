package device_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/backend/device"
)

func Example() {
	dev, err := device.All(2).Open("cpu")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer dev.Close()
	fmt.Println(dev.Info().Name)
	_, err = device.All(2).Open("gpu")
	fmt.Println(err)
	// Output:
	// CPU (2 threads)
	// there is no device "gpu": there are auto, metal, cuda, cpu
}

// other is a device of another kind.
type other struct {
	backend.Device
	kind   string
	closed *int
}

func (d other) Info() backend.Info { return backend.Info{Name: "one " + d.kind, Kind: d.kind} }
func (d other) Close() error       { *d.closed++; return d.Device.Close() }

func TestChoice(t *testing.T) {
	closed := 0
	opens := func(kind string) func() (backend.Device, error) {
		return func() (backend.Device, error) { return other{cpu.New(1), kind, &closed}, nil }
	}
	broken := errors.New("out of order")
	fails := func() (backend.Device, error) { return nil, broken }
	table := device.Table{{Name: "best", Auto: true, Open: fails}, {Name: "asked", Open: opens("asked")}, {Name: "next", Auto: true, Open: opens("next")}}
	for name, want := range map[string]string{"": "next", "auto": "next", "asked": "asked", "next": "next"} {
		dev, err := table.Open(name)
		if err != nil || dev.Info().Kind != want {
			t.Fatalf("%q opens %v, %v; want %s", name, dev, err, want)
		}
		dev.Close()
	}
	if _, err := table.Open("best"); !errors.Is(err, broken) {
		t.Errorf("a device that fails: %v", err)
	}
	if _, err := table[:1].Open(""); !errors.Is(err, broken) {
		t.Errorf("nothing can be opened: %v", err)
	}
	unknown, ok := errors.AsType[*device.UnknownError](func() error { _, err := table.Open("nex"); return err }())
	if !ok || !slices.Equal(unknown.Known, []string{"auto", "best", "asked", "next"}) {
		t.Errorf("an unknown name: %v", unknown)
	}

	used, err := table.Open("next")
	if err != nil {
		t.Fatal(err)
	}
	closed = 0
	list := table.List(used)
	if len(list) != 3 || !errors.Is(list[0].Err, broken) || list[1].Info.Name != "one asked" || list[1].Used || !list[2].Used {
		t.Errorf("%+v", list)
	}
	if closed != 1 {
		t.Errorf("%d devices were closed, want the one that was opened to look at it", closed)
	}
	used.Close()
}

// What this build does not have says so, by its type too, and the CPU is always
// there.
func TestAll(t *testing.T) {
	list := device.All(0).List(nil)
	if len(list) != 3 {
		t.Fatalf("%+v", list)
	}
	for _, e := range list {
		if e.Err == nil {
			if e.Info.Kind != e.Kind || e.Info.Name == "" || e.Info.Memory == 0 || e.Info.Family == "" {
				t.Errorf("%s: %+v", e.Kind, e.Info)
			}
			continue
		}
		missing, ok := errors.AsType[*backend.UnavailableError](e.Err)
		if !ok || missing.Kind != e.Kind || !strings.Contains(e.Err.Error(), e.Kind) || e.Kind == "cpu" {
			t.Errorf("%s: %v", e.Kind, e.Err)
		}
	}
}
