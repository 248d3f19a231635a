// Package feed holds the data that models are trained on: arrays on the host,
// sets of them with labels, the sets that come with metalnb, and the copy of a
// set that lies on a device. A set is checked once, when it is made, so that
// training need not fear NaNs, labels out of range or arrays that do not match;
// and it is uploaded once, whatever number of trainers use it.
package feed
