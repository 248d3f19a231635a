// Package servertest runs a core in the process of a test, so that the tests
// and Examples of nb, display and datasets talk to a real one.
package servertest

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/metalnb/metalnb/display/render"
	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/backend/device"
	"github.com/metalnb/metalnb/metalcore/plan"
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/server"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// Core is a core that runs in this process.
type Core struct {
	Place   wire.Place
	Journal time.Duration // how often trainers are written down, from the next Begin on; never when 0
	Roots   server.Roots  // that files are read from, likewise; any when nil
	Away    bool          // likewise
	Memory  int64         // of the device, likewise; the machine's when 0
	dir     string
	end     context.CancelFunc
	done    chan error
	core    *runtime.Core
}

// devices are all that there are, and one that computes as the CPU does, so
// that there are two on every machine.
func devices() device.Table {
	return append(device.All(0), device.Kind{Name: "spare", Open: func() (backend.Device, error) { return spare{cpu.New(1)}, nil }})
}

type spare struct{ *cpu.Device }

func (s spare) Info() backend.Info {
	return backend.Info{Name: "spare CPU", Kind: "spare", Family: "test", Memory: s.Device.Info().Memory, MaxBuffer: 1 << 30}
}

// Start starts a core in a directory of its own and has this process's calls
// of nb go to it.
func Start() (*Core, error) {
	dir, err := os.MkdirTemp("", "metalnb-test-")
	if err != nil {
		return nil, err
	}
	c := &Core{Place: wire.Place(filepath.Join(dir, "core")), dir: dir}
	if err := os.Setenv(wire.EnvDir, string(c.Place)); err != nil {
		return nil, err
	}
	return c, c.Begin()
}

// Begin begins serving; End may have been called before.
func (c *Core) Begin() error {
	ctx, end := context.WithCancel(context.Background())
	c.core = runtime.New(c.device())
	c.end, c.done = end, make(chan error, 1)
	go func() {
		c.done <- server.Run(ctx, c.core, server.Options{
			Place: c.Place, Renderer: render.New(), Devices: devices(), Journal: server.Journal{Every: c.Journal}, Roots: c.Roots, Away: c.Away, Log: log.New(io.Discard, "", 0),
		})
	}()
	for {
		conn, _, err := wire.Dial(c.Place, &wire.Hello{Proto: wire.Proto, Version: wire.Version})
		if err == nil {
			return conn.Close()
		}
		select {
		case err := <-c.done:
			c.done <- err
			return err
		case <-time.After(time.Millisecond):
		}
	}
}

func (c *Core) device() backend.Device {
	if c.Memory > 0 {
		return small{cpu.New(0), c.Memory}
	}
	return cpu.New(0)
}

// small is a CPU with little memory.
type small struct {
	*cpu.Device
	memory int64
}

func (s small) Info() backend.Info {
	info := s.Device.Info()
	info.Memory = s.memory
	return info
}

func (s small) Alloc(bytes int64) (backend.Buffer, error) {
	if err := s.check(bytes); err != nil {
		return nil, err
	}
	return s.Device.Alloc(bytes)
}

func (s small) Compile(p *plan.Program) (backend.Executable, error) {
	if err := s.check(p.Arena); err != nil {
		return nil, err
	}
	return s.Device.Compile(p)
}

func (s small) check(bytes int64) error {
	if bytes > s.memory-s.LiveBytes() {
		return fmt.Errorf("%d bytes do not fit", bytes)
	}
	return nil
}

// Runtime is what the core keeps.
func (c *Core) Runtime() *runtime.Core { return c.core }

// End ends the core as SIGTERM would.
func (c *Core) End() error {
	c.end()
	return <-c.done
}

// Remove removes the directory that Start made, after End.
func (c *Core) Remove() { os.RemoveAll(c.dir) }

// Shared is the core that Main started.
var Shared *Core

// Main is a TestMain that runs the tests with a core.
func Main(m *testing.M) {
	c, err := Start()
	if err != nil {
		log.Fatal(err)
	}
	Shared = c
	code := m.Run()
	if err := c.End(); err != nil && code == 0 {
		log.Print(err)
		code = 1
	}
	c.Remove()
	os.Exit(code)
}
