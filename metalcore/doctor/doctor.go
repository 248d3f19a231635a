// Package doctor examines metalnb on the machine it runs on, and writes a report
// to attach to an issue. It is how a device is tried that no developer has: each
// kernel is held against the interpreter, training against the CPU, speed
// against what the chip can do.
package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend"
	"github.com/metalnb/metalnb/metalcore/backend/device"
)

// Options say what is examined.
type Options struct {
	Version string // of metalnb
	Devices device.Table
	Device  string        // one of the table; empty, or device.Auto, for all that may be chosen automatically
	Train   time.Duration // how long each model is trained
	Quick   bool          // small shapes and little data, for a first look
	// Trace, unless empty, names a file that always holds the program that was
	// compiled last, so that it can be told what a device died of.
	Trace string
}

// Verdict is what came of a check.
type Verdict string

// The verdicts.
const (
	OK      Verdict = "ok"
	Failed  Verdict = "failed"
	NotHere Verdict = "not here" // nothing to check on this machine
	NotMade Verdict = "not made" // interrupted before its end
)

// Summary counts the verdicts of a report.
type Summary map[Verdict]int

// String tells the numbers of all verdicts.
func (s Summary) String() string {
	return fmt.Sprintf("%d ok, %d failed, %d not here, %d not made", s[OK], s[Failed], s[NotHere], s[NotMade])
}

// Run makes all checks and writes the report to w, each line as soon as it is
// known. When ctx ends the rest is not made.
func Run(ctx context.Context, w io.Writer, o Options) (Summary, error) {
	if o.Train <= 0 {
		return nil, fmt.Errorf("cannot train for %v: give more than 0 seconds", o.Train)
	}
	kinds, err := o.kinds()
	if err != nil {
		return nil, err
	}
	r := &report{w: w, sum: Summary{}}
	how := "in full"
	if o.Quick {
		how = "quick"
	}
	r.line("metalnb doctor, %s, %s; each training lasts %v", how, time.Now().UTC().Format("2006-01-02 15:04 MST"), o.Train)
	r.section("machine")
	for _, fact := range machine(o.Version) {
		r.line("  %-12s %s", fact[0], fact[1])
	}
	r.section("devices")
	var there []device.Kind
	for _, k := range kinds {
		if r.opens(k) {
			there = append(there, k)
		}
	}
	for _, k := range there {
		examine(ctx, r, k, o)
	}
	r.section("summary")
	r.line("  %v", r.sum)
	return r.sum, r.err
}

// kinds are the devices to examine.
func (o *Options) kinds() (list device.Table, err error) {
	name := cmp.Or(o.Device, device.Auto)
	for _, k := range o.Devices {
		if k.Name == name || name == device.Auto && k.Auto {
			list = append(list, k)
		}
	}
	if len(list) == 0 {
		return nil, &device.UnknownError{Name: name, Known: o.Devices.Names()}
	}
	return list, nil
}

// opens tells whether a device can be opened, and what it is.
func (r *report) opens(k device.Kind) bool {
	r.begin(k.Name)
	e := device.Table{k}.List(nil)[0]
	if _, missing := errors.AsType[*backend.UnavailableError](e.Err); missing {
		r.end(finding{NotHere, e.Err.Error(), planned()})
		return false
	}
	if e.Err != nil {
		r.end(failed("%v", e.Err))
		return false
	}
	r.end(ok("%s, %s, %s of memory%s", e.Info.Name, e.Info.Family, bytes(e.Info.Memory), limits(e.Info)))
	return true
}

func limits(i backend.Info) string {
	s := ""
	if i.MaxBuffer > 0 {
		s += ", buffers up to " + bytes(i.MaxBuffer)
	}
	if i.Limits != "" {
		s += "; " + i.Limits
	}
	return s
}

// planned is what would be checked on a device that is not here.
func planned() []string {
	lines := []string{"where there is one, it is examined so:"}
	for _, c := range checks {
		lines = append(lines, fmt.Sprintf("%-12s %s", c.name, c.does))
	}
	return lines
}

// patient is a device under examination.
type patient struct {
	Options
	kind  device.Kind
	raw   backend.Device
	dev   backend.Device // raw, or one that leaves a trace
	live  int64          // bytes held when the examination began
	gemm  float64        // the best FLOP/s that were measured
	moved float64        // the best bytes a second
	stuck bool           // a check has not ended
}

// examine makes all checks on one device.
func examine(ctx context.Context, r *report, k device.Kind, o Options) {
	r.section(k.Name)
	routines := runtime.NumGoroutine()
	dev, err := k.Open()
	if err != nil {
		r.begin("open")
		r.end(failed("%v", err))
		return
	}
	p := &patient{Options: o, kind: k, raw: dev, dev: dev, live: live(dev)}
	if o.Trace != "" {
		p.dev = traced{dev, o.Trace}
	}
	for _, c := range checks {
		r.begin(c.name)
		r.end(p.make(ctx, c))
		if p.stuck {
			return
		}
	}
	r.begin("close")
	r.end(closed(dev, routines))
}

// graceful is how long an interrupted check may take to end; a variable so that
// tests are quick.
var graceful = 10 * time.Second

// make makes a check, which may panic, or not end when it is interrupted.
func (p *patient) make(ctx context.Context, c check) finding {
	if ctx.Err() != nil {
		return finding{verdict: NotMade, text: "interrupted"}
	}
	made := make(chan finding, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				made <- panicked(r)
			}
		}()
		made <- c.run(ctx, p)
	}()
	select {
	case f := <-made:
		return f
	case <-ctx.Done():
	}
	select {
	case f := <-made:
		return f
	case <-time.After(graceful):
		p.stuck = true
		return failed("it was interrupted and has not ended %v later: the device may hang", graceful)
	}
}

// closed closes the device and waits for what runs on its behalf to end.
func closed(dev backend.Device, routines int) finding {
	if err := dev.Close(); err != nil {
		return failed("%v", err)
	}
	for end := time.Now().Add(graceful); runtime.NumGoroutine() > routines; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return failed("%d goroutines, and %d before: the device leaks some", runtime.NumGoroutine(), routines)
		}
	}
	return ok("%d goroutines, as before", routines)
}
