package train

import (
	"context"
	"errors"
	"fmt"
)

// ErrBusy is the error of what cannot be done while a trainer trains.
var ErrBusy = errors.New("the trainer is training: stop it first, or wait until it has finished")

// ErrClosed is the error of a trainer that was closed.
var ErrClosed = errors.New("the trainer is closed")

// StoppedError says that training was stopped between two steps. It wraps the
// context's error and its cause.
type StoppedError struct {
	Step      int64 // steps taken in all
	Epoch     int   // epochs completed
	EpochStep int   // steps taken of the next one
	Steps     int   // in an epoch
	Cause     []error
}

func (e *StoppedError) Error() string {
	return fmt.Sprintf("stopped after step %d (epoch %d, step %d of %d); training goes on from there",
		e.Step, e.Epoch+1, e.EpochStep, e.Steps)
}

// Unwrap returns the context's error and cause.
func (e *StoppedError) Unwrap() []error { return e.Cause }

// DivergedError says that the loss or a gradient of a step was not finite, or,
// of a trainer that hunts, any of its values. The weights are those before that
// step.
type DivergedError struct {
	Step  int64   // the bad step, counted from 1
	Epoch int     // its epoch, counted from 1
	LR    float64 // the learning rate it had
	// First is what made the first NaN or infinite number, "exp of layer
	// scale_1 (cell[3]:12)"; empty when it could not be found out.
	First     string
	Precision string // of the model, see Spec.Precision
	Hunted    bool   // every value was looked at: the loss itself may be finite
}

func (e *DivergedError) Error() string {
	first := ""
	if e.First != "" {
		first = "; the first NaN or infinite number comes from " + e.First
	}
	what := "the loss or a gradient"
	if e.Hunted {
		what = "a value"
	}
	if e.Precision == MixedFloat16 {
		first += "; in float16 numbers above 65504 are infinite, in mixed_bfloat16 they are not"
	}
	return fmt.Sprintf("training diverged: %s of step %d (epoch %d) is not finite%s; "+
		"the weights are those before that step; lower the learning rate (it is %v) or look at the data, "+
		"and reset the trainer if it diverges again at once", what, e.Step, e.Epoch, first, e.LR)
}

// DeviceError says that the device failed while it ran a program. What training
// has made of the weights is not known then: Restore and Reset say what they are.
type DeviceError struct{ Err error }

func (e *DeviceError) Error() string { return "the device failed: " + e.Err.Error() }

// Unwrap returns the device's error.
func (e *DeviceError) Unwrap() error { return e.Err }

// stopped returns the context's error and cause once it has ended.
func stopped(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return errors.Join(ctx.Err(), context.Cause(ctx))
}
