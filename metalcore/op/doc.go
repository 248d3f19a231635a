// Package op is the table of everything that a graph can compute. Each op is
// one row: its name, a line with its formula, its attributes, the rule that
// gives the result's type and shape, and its gradient, written in ops again.
// A builder function of the same name makes a value of it, and checks shapes
// at once, so that the user's own line is the one that fails.
//
// Builders panic with *Error, which says what is wrong and what to do; Try
// turns that into an error value. Check does the same for a whole graph that
// came as text.
//
// A dimension may stand for the batch, see ir.Shape; shape rules treat it like
// a size of its own, different from every number.
package op
