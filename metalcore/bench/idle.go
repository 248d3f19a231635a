package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// idleTime is how long a core is watched that has nothing to do.
const idleTime = 2 * time.Second

// idle measures what a core costs while it waits for the next cell.
func idle(_ context.Context, w io.Writer, o *Options) error {
	share, err := Idle(o.Binary)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(w, "%-44s not measured: there is no /proc\n", "processor time of an idle core")
		return nil
	}
	if err == nil {
		fmt.Fprintf(w, "%-44s %.2f %%\n", "processor time of an idle core", 100*share)
	}
	return err
}

// Idle starts a core, lets a trainer train and stops it, and returns the share
// of a processor that the core takes from then on.
func Idle(binary string) (float64, error) {
	conn, place, end, err := startCore(binary)
	if err != nil {
		return 0, err
	}
	defer end()
	if err := trainAndStop(conn); err != nil {
		return 0, err
	}
	c, welcome, err := wire.Dial(place, hello)
	if err != nil {
		return 0, err
	}
	c.Close()
	time.Sleep(idleTime / 10) // workers look for work a little longer
	before, err := processorTime(welcome.PID)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	time.Sleep(idleTime)
	after, err := processorTime(welcome.PID)
	return (after - before).Seconds() / time.Since(start).Seconds(), err
}

func trainAndStop(conn *wire.Conn) error {
	const name, forever = "idle", 1 << 30
	digits := workloads[0]
	spec := wire.TrainerSpec{Name: name, Model: digits.graph().String(), Data: wire.DataRef{Source: digits.name}, Batch: digits.batch,
		Optimizer: wire.Optimizer{Name: digits.optimizer}}
	if _, err := conn.Call(&wire.Declare{Spec: spec}); err != nil {
		return err
	}
	if _, err := conn.Call(&wire.Train{Trainer: name, Epochs: forever, Background: true}); err != nil {
		return err
	}
	for epoch := 0; epoch == 0; time.Sleep(time.Millisecond) {
		m, err := conn.Call(&wire.AskTrainer{Trainer: name, Brief: true})
		if err != nil {
			return err
		}
		epoch = m.(*wire.Run).Info.Epoch
	}
	_, err := conn.Call(&wire.Stop{Trainer: name})
	return err
}

// processorTime is what a process has used so far, where there is /proc.
func processorTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // from field 3 on; see proc(5)
	sum := time.Duration(0)
	for _, field := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(string(field))
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * 10 * time.Millisecond
	}
	return sum, nil
}
