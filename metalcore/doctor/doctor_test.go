package doctor

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/backend/device"
)

func quick(list ...device.Kind) Options {
	return Options{Version: "1.2.3", Devices: list, Quick: true, Train: 50 * time.Millisecond}
}

func processor() device.Kind { return device.All(2)[2] }

// says checks the verdicts, and that the report has all the words.
func says(t *testing.T, text string, sum, want Summary, words ...string) {
	t.Helper()
	for _, v := range []Verdict{OK, Failed, NotHere, NotMade} {
		if sum[v] != want[v] {
			t.Errorf("%d checks are %s, want %d", sum[v], v, want[v])
		}
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("the report does not say %q", word)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestHealthy(t *testing.T) {
	missing := device.Kind{Name: "other", Auto: true, Open: func() (backend.Device, error) {
		return nil, &backend.UnavailableError{Kind: "other", Why: "it is elsewhere"}
	}}
	k := processor()
	k.Selectors = func() (int, []string) { return 77, nil }
	o := quick(missing, device.Kind{Name: "by name"}, k)
	o.Trace = filepath.Join(t.TempDir(), "last")
	var text strings.Builder
	sum, err := Run(t.Context(), &text, o)
	if err != nil {
		t.Fatal(err)
	}
	says(t, text.String(), sum, Summary{OK: 10, NotHere: 1}, "quick", "metalnb 1.2.3", "CPU (2 threads)", "it is elsewhere", "where there is one", "77 selectors",
		" programs compiled in ", " programs run in ", " GB/s", " GFLOP/s", " steps/s", "0 bytes held", "10 ok, 0 failed, 1 not here, 0 not made")
	if last, err := os.ReadFile(o.Trace); err != nil || len(last) == 0 {
		t.Errorf("the last program is %q, %v", last, err)
	}
}

// ill is a device with faults: it hangs, keeps memory and goroutines, and
// computes nothing.
type ill struct {
	*cpu.Device
	hang chan struct{}
}

func (d ill) Alloc(n int64) (backend.Buffer, error) {
	if n == 64<<20 && d.hang != nil {
		<-d.hang
	}
	b, err := d.Device.Alloc(n)
	if err != nil {
		return nil, err
	}
	return kept{b}, nil
}
func (d ill) Close() error { return nil }

// kept is a buffer that is never freed.
type kept struct{ backend.Buffer }

func (kept) Free() {}

func TestFaults(t *testing.T) {
	old := graceful
	defer func() { graceful = old }()
	graceful = 10 * time.Millisecond
	inner := cpu.New(2)
	defer inner.Close()
	k := device.Kind{Name: "ill", Auto: true, Open: func() (backend.Device, error) { return ill{inner, nil}, nil },
		Selectors: func() (int, []string) { return 3, []string{strings.Repeat("line\n", 50) + "end", "second"} },
	}
	late := device.Kind{Name: "late", Auto: true, Open: func() (backend.Device, error) { return ill{cpu.New(2), nil}, nil }}
	late.Selectors = func() (int, []string) { panic("made to fail") }
	broken := device.Kind{Name: "broken", Auto: true, Open: func() (backend.Device, error) { return nil, errors.New("out of order") }}
	var text strings.Builder
	sum, err := Run(t.Context(), &text, quick(broken, k, late))
	if err != nil {
		t.Fatal(err)
	}
	// Its buffers are not those that the programs of the device beneath take, so all that computes fails.
	says(t, text.String(), sum, Summary{OK: 5, Failed: 16}, "out of order", "3 selectors compared; problems in 2 places", "(36 lines more)", "second", "panic: made to fail",
		"goroutine ", "unary/neg, 17 failures, the first: ", "bytes are held, and 0 were at the beginning", "the device leaks some")
}

func TestInterrupted(t *testing.T) {
	old := graceful
	defer func() { graceful = old }()
	graceful = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var text strings.Builder
	sum, err := Run(ctx, &text, quick(processor()))
	if err != nil {
		t.Fatal(err)
	}
	says(t, text.String(), sum, Summary{OK: 2, NotMade: len(checks)}, "interrupted")

	hang := make(chan struct{})
	defer close(hang)
	inner := cpu.New(1)
	defer inner.Close()
	k := device.Kind{Name: "hangs", Auto: true, Open: func() (backend.Device, error) { return ill{inner, hang}, nil }}
	ctx, cancel = context.WithCancel(t.Context())
	text.Reset()
	sum, err = Run(ctx, cancelAt{&text, "bandwidth", cancel}, quick(k))
	if err != nil {
		t.Fatal(err)
	}
	if sum[OK] == 0 || !strings.Contains(text.String(), "the device may hang") || !strings.Contains(text.String(), "summary") {
		t.Errorf("a check that does not end:\n%s", text.String())
	}
}

// cancelAt ends the context when a check begins.
type cancelAt struct {
	io.Writer
	name   string
	cancel func()
}

func (c cancelAt) Write(b []byte) (int, error) {
	if strings.HasPrefix(string(b), "  "+c.name) {
		time.AfterFunc(20*time.Millisecond, c.cancel)
	}
	return c.Writer.Write(b)
}

func TestDifferences(t *testing.T) {
	for _, c := range []struct {
		ours, theirs []float64
		want         string
	}{
		{[]float64{2, 1, 0.5}, []float64{2.05, 1.03}, ""},
		{[]float64{2}, []float64{2}, ""},
		{[]float64{2, 1}, []float64{2, 1.2}, "epoch 2 is 1.000000, and 1.200000 on CPU"},
		{[]float64{2, math.NaN()}, []float64{2, 1}, "epoch 2 is NaN"},
		{[]float64{2, 2}, []float64{2}, "does not learn"},
	} {
		if got := strings.Join(differences(c.ours, c.theirs, "CPU"), "\n"); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%v and %v: %q, want %q", c.ours, c.theirs, got, c.want)
		}
	}
}

func TestShare(t *testing.T) {
	for want, got := range map[string]string{
		"0.50 of the 2600 GFLOP/s of products": share(1.3e12, 2.6e12, "GFLOP/s", "of products"),
		"0.25 of the 0.004 GB/s that is there": share(1e6, 4e6, "GB/s", "that is there"),
		"68.3 GB/s":                            share(68.3e9, 0, "GB/s", "of nothing"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestChoice(t *testing.T) {
	o := Options{Devices: device.All(1)}
	for name, want := range map[string]int{"": 2, "auto": 2, "cuda": 1, "gpu": 0} {
		o.Device = name
		if list, err := o.kinds(); len(list) != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d devices, %v; want %d", name, len(list), err, want)
		}
	}
}

func TestBadOptions(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no device \"gpu\"": func(o *Options) { o.Device = "gpu" },
		"more than 0":       func(o *Options) { o.Train = 0 },
	} {
		o := quick(processor())
		change(&o)
		if _, err := Run(t.Context(), io.Discard, o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
	full := errors.New("the disk is full")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, broken{full}, quick(processor())); !errors.Is(err, full) {
		t.Errorf("a report that cannot be written: %v", err)
	}
}

type broken struct{ error }

func (b broken) Write([]byte) (int, error) { return 0, b.error }
