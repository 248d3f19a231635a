// Package train trains models. A Trainer owns the parameters of one model on a
// device, the position in its training and the history of it, and outlives any
// single call: Train goes on where the last one stopped, at whatever step, and
// the result is the same, bit for bit, as if it had never stopped. A Snapshot is
// all of that on the host, and another Trainer goes on from it as exactly.
//
// A training step is one compiled program. It picks its batch from the data
// that lies on the device, runs the model, the loss, the gradients and the
// optimizer, and adds up the metrics; only the learning rates of its steps come
// from the host. Data that does not fit comes to the device in windows, which are
// filled ahead (windows.go, package feed). Many steps are handed to the device at once, in slices of some tens of
// milliseconds; between two slices a Trainer can be stopped, its learning rate
// changed, and its model evaluated. Only L-BFGS, whose steps are searches along
// lines, comes back to the host after each evaluation of loss and gradient. With
// Spec.Accumulate a step is several batches, which a program takes one after the
// other, and another one the step itself (accumulate.go).
//
// Trainers on one device share its time alike, whatever their steps cost
// (backend.Queue): a slice, a chunk of an evaluation or a prediction is a turn.
// Who compiles, waits for data or is paused has no turn, and keeps nobody up.
//
// When the loss or a gradient is not finite, that step and all that were handed
// over with it change nothing: the weights stay those before the bad step, and
// Train returns a *DivergedError, which names what made the first such number.
// With Spec.Hunt a step looks at all its values.
package train
