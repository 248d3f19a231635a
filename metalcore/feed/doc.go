// Package feed holds the data that models are trained on and brings it to a
// device. In reading order:
//
//   - Array (array.go): elements in memory, little endian, row-major.
//   - Set (set.go, split.go, rows.go): rows x with a label or target y each,
//     checked once, when it is made, so that training need not fear NaNs, labels
//     out of range or arrays that do not match. Builtin (builtin.go) has the sets
//     that come with metalnb.
//   - Package load: sets read from files, CSV, Parquet, NumPy, idx, images; rows
//     that do not fit in memory lie in a file meanwhile.
//   - Source (source.go): where the rows of a set come from when they are not in
//     memory. A faulty row is a RowError, or with Set.Skip counts nothing. A
//     Stream (stream.go) is one whose rows a program makes when they are wanted.
//   - Resident (resident.go, window.go, block.go): a set on a device. One that fits lies
//     there whole, uploaded once whatever number of trainers use it, and a step
//     program picks its batch from it: the host does nothing for a step.
//
// A set that does not fit, or has a Source, comes in windows of many batches, a
// Stream in smaller ones, so that training goes on soon after rows are made.
// The device has room for two of them, by turns, and a list that says where in
// its window each row of the epoch lies, so that the step program is the same as
// for a set that is there whole. A Pipe fills them ahead:
//
//	order of rows -> workers read -> 2 blocks of memory -> upload -> 2 windows -> steps
//
// Each arrow waits when there is no room behind it, so no more than four windows
// are under way, and a step waits only when reading is slower than computing.
// Which rows a window has, and where each of them lies in it, follows from seed
// and epoch; workers only take turns at filling the places. So the order is the
// same with any number of them and windows of any size, no row is lost or comes twice, and a training
// that stopped goes on with the window in which it did. Pipe.Close ends all of
// it at any moment.
package feed
