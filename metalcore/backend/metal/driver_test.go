//go:build linux

package metal

import (
	"errors"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/gpu"
	"github.com/metalnb/metalnb/metalcore/backend/metal/fake"
	"github.com/metalnb/metalnb/metalcore/backend/metal/objc"
)

// systems are an older macOS and a newer one, between which the driver's ways
// differ.
var systems = map[string]int{"macOS 13": 13, "macOS 15": 15}

func TestRun(t *testing.T) {
	for name, version := range systems {
		t.Run(name, func(t *testing.T) {
			d := open(t, Options{}, "macos", version)
			p := build(t, d, "copy", "double")
			x, y := alloc(t, d, 4*100), alloc(t, d, 1<<20)
			upload(t, x, 0, ramp(100))
			err := execute(d, func(r gpu.Recording) {
				r.Dispatch(dispatch(p[0], 100, gpu.Span{Memory: x}, gpu.Span{Memory: y, Offset: 400}))
				r.Barrier()
				r.Dispatch(dispatch(p[1], 50, gpu.Span{Memory: y, Offset: 400}))
			})
			if err != nil {
				t.Fatal(err)
			}
			want := ramp(100)
			for i := range 50 {
				want[i] *= 2
			}
			if got := download(t, y, 400, 100); !slices.Equal(got, want) {
				t.Error(got)
			}
		})
	}
}

func TestUnavailable(t *testing.T) {
	l := prepare(t)
	for why, set := range map[string]func(){
		"no GPU":                 func() { fake.Knob("devices", 0) },
		"no GPU of Apple's":      func() { fake.Knob("family", 1006) },
		"gives no command queue": func() { fake.Fault("queue", 0, 1) },
	} {
		fake.Reset()
		set()
		d, err := Open(Options{Libraries: l})
		var u *backend.UnavailableError
		if !errors.As(err, &u) || u.Kind != "metal" || !strings.Contains(err.Error(), why) || d != nil {
			t.Errorf("%s: %v", why, err)
		}
	}
	var u *backend.UnavailableError
	if _, err := Open(Options{Libraries: objc.Libraries{Runtime: "/nowhere/libobjc.dylib"}}); !errors.As(err, &u) {
		t.Errorf("without libraries: %v", err)
	}
	if _, err := Devices(objc.Libraries{Runtime: "/nowhere/libobjc.dylib"}); !errors.As(err, &u) {
		t.Errorf("without libraries: %v", err)
	}
}

func TestLimits(t *testing.T) {
	d := open(t, Options{}, "family", 1008, "workingSet", 1000<<20)
	l := d.Limits()
	want := gpu.Limits{Device: "Fake GPU", Kind: "metal", Family: "apple8", Threads: 1024, Shared: 32 << 10, Bindings: 31,
		Groups: [3]int{maxGroups, 65535, 65535}, MaxBuffer: 1 << 32, Memory: 950 << 20}
	if l != want {
		t.Errorf("%+v", l)
	}
	fake.Knob("devices", 2)
	fake.Knob("family", 0)
	list, err := Devices(libraries(t))
	if err != nil || len(list) != 2 || list[0].Device != "Fake GPU" || list[0].Family != "" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestBarriers(t *testing.T) {
	d := open(t, Options{})
	p := build(t, d, "double", "increment")
	x := alloc(t, d, 4)
	run := func(order int, barrier bool) float32 {
		fake.Knob("order", order)
		upload(t, x, 0, []float32{1})
		err := execute(d, func(r gpu.Recording) {
			for i := range 8 { // ((1*2)+1)*2 ...
				if i > 0 && barrier {
					r.Barrier()
					r.Barrier() // again is once
				}
				r.Dispatch(dispatch(p[i%2], 1, gpu.Span{Memory: x}))
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return download(t, x, 0, 1)[0]
	}
	const right = 31
	wrong := 0
	for order := range 10 {
		if got := run(order, true); got != right {
			t.Errorf("order %d: %v", order, got)
		}
		if run(order, false) != right {
			wrong++
		}
	}
	if wrong == 0 {
		t.Error("without barriers nothing was run in another order")
	}
}

func TestRefused(t *testing.T) {
	d := open(t, Options{}, "threads", 512)
	p := build(t, d, "copy")[0]
	x := alloc(t, d, 1024)
	freed := alloc(t, d, 1024)
	freed.Free()
	gone := build(t, d, "double")[0]
	gone.Free()
	product, err := d.Product(gpu.ProductSpec{Op: "matmul", DType: "f32", In: [][]int{{8, 8}, {8, 8}}, Out: []int{8, 8}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(product.Free)
	at := gpu.Span{Memory: x}
	one := [3]int{1, 1, 1}
	for why, record := range map[string]func(r gpu.Recording){
		"pipeline is not of this driver":  func(r gpu.Recording) { r.Dispatch(&gpu.Dispatch{Groups: one, Threads: 1}) },
		"not memory of this driver":       func(r gpu.Recording) { r.Dispatch(dispatch(p, 1, gpu.Span{})) },
		"was freed":                       func(r gpu.Recording) { r.Dispatch(dispatch(p, 1, gpu.Span{Memory: freed})) },
		"the pipeline was freed":          func(r gpu.Recording) { r.Dispatch(dispatch(gone, 1, at)) },
		"1 bytes at offset 1024 do not":   func(r gpu.Recording) { r.Dispatch(dispatch(p, 1, gpu.Span{Memory: x, Offset: 1024})) },
		"1 bytes at offset -4 do not":     func(r gpu.Recording) { r.Dispatch(dispatch(p, 1, gpu.Span{Memory: x, Offset: -4})) },
		"32 buffers, and a kernel may":    func(r gpu.Recording) { r.Dispatch(dispatch(p, 1, slices.Repeat([]gpu.Span{at}, 32)...)) },
		"threadgroups of 513 threads":     func(r gpu.Recording) { r.Dispatch(&gpu.Dispatch{Pipeline: p, Groups: one, Threads: 513}) },
		"threadgroups of 0 threads":       func(r gpu.Recording) { r.Dispatch(&gpu.Dispatch{Pipeline: p, Groups: one}) },
		"0 threadgroups along axis 1":     func(r gpu.Recording) { r.Dispatch(&gpu.Dispatch{Pipeline: p, Groups: [3]int{1, 0, 1}, Threads: 1}) },
		"65536 threadgroups along axis 2": func(r gpu.Recording) { r.Dispatch(&gpu.Dispatch{Pipeline: p, Groups: [3]int{1, 1, 65536}, Threads: 1}) },
		"product is not of this driver":   func(r gpu.Recording) { r.Run(nil, nil, at) },
		"1 operands, and it takes 2":      func(r gpu.Recording) { r.Run(product, []gpu.Span{at}, at) },
		"256 bytes at offset 772 do not":  func(r gpu.Recording) { r.Run(product, []gpu.Span{at, {Memory: x, Offset: 772}}, at) },
	} {
		err := execute(d, func(r gpu.Recording) {
			record(r)
			r.Dispatch(dispatch(p, 1, at, at)) // is not sent, either
		})
		var run *gpu.RunError
		if !errors.As(err, &run) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

// TestFreedInFlight frees all that a recording uses before it is committed.
func TestFreedInFlight(t *testing.T) {
	d := open(t, Options{})
	list, err := d.Compile(text("copy"), []string{"copy"})
	if err != nil {
		t.Fatal(err)
	}
	x, y := alloc(t, d, 1<<20), alloc(t, d, 400)
	upload(t, x, 0, ramp(100))
	err = execute(d, func(r gpu.Recording) {
		r.Dispatch(dispatch(list[0], 100, gpu.Span{Memory: x}, gpu.Span{Memory: y}))
		x.Free()
		x.Free() // again does no harm
		list[0].Free()
		list[0].Free()
	})
	if err != nil || !slices.Equal(download(t, y, 0, 100), ramp(100)) {
		t.Error(err)
	}
}

// TestMany runs recordings by several goroutines; nothing may grow.
func TestMany(t *testing.T) {
	d := open(t, Options{})
	p := build(t, d, "increment", "double")
	const workers, rounds = 4, 250
	counts := func() (goroutines int, objects map[string]int) {
		return runtime.NumGoroutine(), fake.Live()
	}
	work := func(rounds int) {
		done := make(chan error, workers)
		for range workers {
			go func() {
				done <- func() error {
					x, err := d.Alloc(4)
					if err != nil {
						return err
					}
					defer x.Free()
					for range rounds {
						err := execute(d, func(r gpu.Recording) { r.Dispatch(dispatch(p[0], 1, gpu.Span{Memory: x})) })
						if err != nil {
							return err
						}
					}
					got := make([]float32, 1)
					if err := x.Download(0, bytesOf(got)); err != nil || got[0] != float32(rounds) {
						return errors.Join(err, errors.New("a recording was lost"))
					}
					return nil
				}()
			}()
		}
		for range workers {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
	}
	work(1)
	goroutines, objects := counts()
	work(rounds)
	if after := fake.Live(); !maps.Equal(after, objects) {
		t.Errorf("%v live, %v before", after, objects)
	}
	if n, _ := counts(); n > goroutines+workers {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	if s := d.Stats(); s.Recordings != 0 || s.Buffers != 1 {
		t.Errorf("%+v", s)
	}
}

func TestClose(t *testing.T) {
	d := open(t, Options{})
	p := build(t, d, "increment")[0]
	x := alloc(t, d, 4)
	r, err := d.Begin()
	if err != nil {
		t.Fatal(err)
	}
	late, err := d.Begin()
	if err != nil {
		t.Fatal(err)
	}
	late.Dispatch(dispatch(p, 1, gpu.Span{Memory: x}))
	done := make(chan error, 2)
	for range 100 {
		r.Dispatch(dispatch(p, 1, gpu.Span{Memory: x}))
		r.Barrier()
	}
	r.Commit(func(err error) { done <- err })
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if got := download(t, x, 0, 1)[0]; got != 100 {
		t.Errorf("Close came after %v of 100 dispatches", got)
	}
	late.Commit(func(err error) { done <- err })
	if first, second := <-done, <-done; first != nil && second != nil || !errors.Is(errors.Join(first, second), errClosed) {
		t.Error(first, second)
	}
	_, e1 := d.Alloc(4)
	_, e2 := d.Compile(text("copy"), []string{"copy"})
	_, e3 := d.Begin()
	_, e4 := d.Wrap(make([]byte, os.Getpagesize()))
	_, e5 := d.Product(gpu.ProductSpec{})
	for _, err := range []error{e1, e2, e3, e4, e5} {
		if !errors.Is(err, errClosed) {
			t.Error(err)
		}
	}
}
