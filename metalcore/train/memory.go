package train

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// memory holds the buffers of a trainer by the names of the inputs and states
// that they are for. Programs that name the same state share it.
type memory struct {
	dev    backend.Device
	share  *backend.Share // of the device's time
	bufs   map[string]backend.Buffer
	values map[string]*ir.Value // of a type and shape as the buffer's, where that is known
	bytes  int64
}

func newMemory(dev backend.Device) *memory {
	return &memory{dev: dev, share: backend.QueueOf(dev).Join(), bufs: map[string]backend.Buffer{}, values: map[string]*ir.Value{}}
}

// need makes the buffer, all zero, unless it is there.
func (m *memory) need(name string, bytes int64) error {
	if buf := m.bufs[name]; buf != nil {
		if buf.Len() < bytes {
			return fmt.Errorf("%s has %d bytes, and %d are needed", name, buf.Len(), bytes)
		}
		return nil
	}
	buf, err := m.dev.Alloc(bytes)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	m.bufs[name] = buf
	m.bytes += buf.Len()
	return nil
}

// needValue makes the buffer of a value.
func (m *memory) needValue(v *ir.Value) error {
	m.values[v.Name] = v
	return m.need(v.Name, v.Bytes())
}

// put writes to a buffer that is there.
func (m *memory) put(name string, data []byte) error {
	if err := m.bufs[name].Upload(0, data); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// copy copies a buffer to another one of the same size.
func (m *memory) copy(to, from string) error {
	data := make([]byte, m.values[from].Bytes())
	if err := m.bufs[from].Download(0, data); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	return m.put(to, data)
}

// drop frees the buffers of the given names.
func (m *memory) drop(names ...string) {
	for _, name := range names {
		m.bytes -= m.bufs[name].Len()
		m.bufs[name].Free()
		delete(m.bufs, name)
		delete(m.values, name)
	}
}

// zero clears the buffers of the given names.
func (m *memory) zero(names ...string) error {
	for _, name := range names {
		if err := m.put(name, make([]byte, m.bufs[name].Len())); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) putI32(name string, x int32) error {
	return m.put(name, binary.LittleEndian.AppendUint32(nil, uint32(x)))
}

// word reads an element of a buffer.
func (m *memory) word(name string, at int) (uint32, error) {
	var b [4]byte
	if err := m.bufs[name].Download(4*int64(at), b[:]); err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return binary.LittleEndian.Uint32(b[:]), nil
}

func (m *memory) i32(name string) (int, error) {
	w, err := m.word(name, 0)
	return int(int32(w)), err
}

func (m *memory) f32(name string, at int) (float64, error) {
	w, err := m.word(name, at)
	return float64(math.Float32frombits(w)), err
}

// numbers reads a whole buffer.
func (m *memory) numbers(name string, dtype ir.DType) ([]float64, error) {
	if m.bufs[name] == nil {
		return nil, fmt.Errorf("%s was never computed", name)
	}
	data := make([]byte, m.bufs[name].Len())
	if err := m.bufs[name].Download(0, data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return ir.Elements(dtype, data), nil
}

// named lists the buffers whose names have the prefix.
func (m *memory) named(prefix string) []string {
	var names []string
	for name := range m.bufs {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

func (m *memory) free() {
	for _, buf := range m.bufs {
		buf.Free()
	}
	m.bufs, m.bytes = map[string]backend.Buffer{}, 0
}

// program is a compiled graph with the buffers it runs on.
type program struct {
	exec   backend.Executable
	share  *backend.Share
	bind   backend.Bindings
	inputs []string // names of bind.Inputs
	bytes  int64
}

// compile compiles a graph whose inputs and states lie in the trainer's memory,
// or in given, which goes before it. Missing states begin as zeros.
func (m *memory) compile(given map[string]backend.Buffer, make func() (*ir.Graph, error)) (*program, error) {
	g, err := build(make)
	if err != nil {
		return nil, err
	}
	planned, _, err := compile.Compile(g, compile.Options{})
	if err != nil {
		return nil, err
	}
	p := &program{share: m.share}
	if p.bind, err = m.bindings(planned, given); err != nil {
		return nil, err
	}
	for _, v := range planned.Inputs {
		p.inputs = append(p.inputs, v.Name)
	}
	if p.exec, err = m.dev.Compile(planned); err != nil {
		return nil, err
	}
	p.bytes = p.exec.Bytes()
	return p, nil
}

func (m *memory) bindings(planned *plan.Program, given map[string]backend.Buffer) (b backend.Bindings, err error) {
	find := func(v *ir.Value) backend.Buffer {
		if buf := given[v.Name]; buf != nil {
			return buf
		}
		if failed := m.needValue(v); failed != nil {
			err = failed
		}
		return m.bufs[v.Name]
	}
	for _, v := range planned.Inputs {
		b.Inputs = append(b.Inputs, find(v))
	}
	for _, v := range planned.States {
		b.States = append(b.States, find(v))
	}
	for _, o := range planned.Outputs {
		b.Outputs = append(b.Outputs, find(ir.State(scratchOut+o.Name, o.Value.DType, o.Value.Shape, nil)))
	}
	return b, err
}

// run takes steps in one turn on the device. It gives up waiting for that, and
// only that, when the context ends.
func (p *program) run(ctx context.Context, steps int) error {
	if p.share.Take(ctx, backend.PlacesOf(p.exec)) != nil {
		return stopped(ctx)
	}
	defer p.share.Give()
	if err := p.exec.Submit(p.bind, steps).Wait(); err != nil {
		return &DeviceError{err}
	}
	return nil
}

func (p *program) size() int64 { return p.bytes }

func (p *program) free() {
	if p != nil {
		p.exec.Free()
	}
}
