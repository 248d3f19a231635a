package gpu

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/plan"
)

// EnvLibrary names the environment variable that says which products the
// vendor's library computes: "always" all that it can, "never" none. Otherwise
// both ways are timed once for each shape, and the choice is kept in a file.
const EnvLibrary = "METALNB_LIBRARY"

// worthAsking is the number of multiply-adds from which on a library may be
// faster than a kernel that completes its product at once.
const worthAsking = 1 << 22

// library chooses who computes a product.
type library struct {
	driver Library
	device *Device
	path   string // of the file with the choices; "" keeps none
	force  string

	mu     sync.Mutex
	faster map[string]bool // the library is, by the text of a spec
}

func newLibrary(d *Device, driver Library, path string) *library {
	l := &library{driver: driver, device: d, path: path, force: os.Getenv(EnvLibrary), faster: map[string]bool{}}
	if data, err := os.ReadFile(path); err == nil {
		if json.Unmarshal(data, &l.faster) != nil || l.faster == nil { // a damaged file is made anew
			l.faster = map[string]bool{}
		}
	}
	return l
}

// computes reports whether the library is to compute a product.
func (l *library) computes(s ProductSpec) bool {
	if l.force == "never" || l.force != "always" && s.work() < worthAsking {
		return false
	}
	key := l.device.limits.Device + " " + s.String()
	l.mu.Lock()
	defer l.mu.Unlock()
	if faster, known := l.faster[key]; known && l.force == "" {
		return faster
	}
	p, err := l.driver.Product(s)
	if err != nil {
		return false
	}
	defer p.Free()
	if l.force == "always" {
		return true
	}
	faster, err := l.compare(s, p)
	if err != nil {
		return false
	}
	l.faster[key] = faster
	l.save()
	return faster
}

// save writes the choices down, so that they are whole or not there. Where that
// fails they are measured again another time.
func (l *library) save() {
	data, err := json.MarshalIndent(l.faster, "", "\t")
	if l.path == "" || err != nil {
		return
	}
	if os.MkdirAll(filepath.Dir(l.path), 0o700) != nil {
		return
	}
	next := l.path + ".next"
	if os.WriteFile(next, data, 0o600) == nil {
		os.Rename(next, l.path)
	}
}

// compare times a product of the library and our own kernel for it, in turns.
func (l *library) compare(s ProductSpec, p Product) (faster bool, err error) {
	prog, err := s.program()
	if err != nil {
		return false, err
	}
	code, err := Lower(prog, l.device.dialect, l.device.limits, nil)
	if err != nil {
		return false, err
	}
	e, err := l.device.executable(code)
	if err != nil {
		return false, err
	}
	defer e.Free()
	var b backend.Bindings
	for _, v := range prog.Inputs {
		buf, err := l.device.Alloc(v.Bytes())
		if err != nil {
			return false, err
		}
		defer buf.Free()
		b.Inputs = append(b.Inputs, buf)
	}
	out, err := l.device.Alloc(prog.Outputs[0].Value.Bytes())
	if err != nil {
		return false, err
	}
	defer out.Free()
	b.Outputs = []backend.Buffer{out}
	return l.race(func() error { return e.Submit(b, productTurns).Wait() }, func() error { return l.run(p, b) })
}

// productTurns is how often a product is computed in one measurement, and
// productRounds how many of those there are; the first one only warms up.
const productTurns, productRounds = 10, 4

// race reports whether theirs takes less time than ours: the best of some rounds.
func (l *library) race(ours, theirs func() error) (bool, error) {
	best := [2]time.Duration{1 << 62, 1 << 62}
	for round := range productRounds {
		for i, f := range []func() error{ours, theirs} {
			start := time.Now()
			if err := f(); err != nil {
				return false, err
			}
			if round > 0 {
				best[i] = min(best[i], time.Since(start))
			}
		}
	}
	return best[1] < best[0], nil
}

// run computes a product of the library some times.
func (l *library) run(p Product, b backend.Bindings) error {
	rec, err := l.driver.Begin()
	if err != nil {
		return err
	}
	var in []Span
	for _, buf := range b.Inputs {
		in = append(in, Span{Memory: buf.(*buffer).memory})
	}
	for i := range productTurns {
		if i > 0 {
			rec.Barrier()
		}
		rec.Run(p, in, Span{Memory: b.Outputs[0].(*buffer).memory})
	}
	done := make(chan error, 1)
	rec.Commit(func(err error) { done <- err })
	return <-done
}

// String is a text that tells specs apart.
func (s ProductSpec) String() string {
	if s.Op == "matmul" {
		return fmt.Sprintf("matmul %s %v %v %v %v", s.DType, s.In, s.Out, s.TransA, s.TransB)
	}
	return fmt.Sprintf("%s %s %v %v stride %v dilation %v pad %v groups %d", s.Op, s.DType, s.In, s.Out, s.Stride, s.Dilation, s.Pad, s.Groups)
}

// work is the number of multiply-adds.
func (s ProductSpec) work() int {
	switch s.Op {
	case "matmul":
		a := s.In[0]
		inner := a[len(a)-1]
		if s.TransA {
			inner = a[len(a)-2]
		}
		return ir.Shape(s.Out).Elems() * inner
	case "conv2d": // each result sums over a kernel of one output channel
		k := s.In[1]
		return ir.Shape(s.Out).Elems() * k[0] * k[1] * k[2]
	case "conv2d_grad_input":
		k := s.In[1]
		return ir.Shape(s.In[0]).Elems() * k[0] * k[1] * k[2]
	}
	k := s.Out
	return ir.Shape(s.In[1]).Elems() * k[0] * k[1] * k[2]
}

// program is one that computes only the product.
func (s ProductSpec) program() (*plan.Program, error) {
	d, err := ir.ParseDType(s.DType)
	if err != nil {
		return nil, err
	}
	a, b := ir.Input("a", d, s.In[0]...), ir.Input("b", d, s.In[1]...)
	conv := op.ConvSpec{Stride: s.Stride, Pad: s.Pad, Dilation: s.Dilation, Groups: s.Groups}
	var y *ir.Value
	switch s.Op {
	case "matmul":
		y = op.MatMul(a, b, s.TransA, s.TransB)
	case "conv2d":
		y = op.Conv2D(a, b, conv)
	case "conv2d_grad_input":
		y = op.Conv2DGradInput(a, b, s.Out, conv)
	case "conv2d_grad_kernel":
		y = op.Conv2DGradKernel(a, b, s.Out, conv)
	default:
		return nil, fmt.Errorf("gpu: there is no product %q", s.Op)
	}
	return plan.New(ir.NewGraph("product", []ir.Output{{Name: "y", Value: y}}, nil))
}
