package render

import (
	"math"
	"strconv"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// An epoch table of more than longest rows shows the first and the last ones,
// in always as many lines, so that what is below a living table stands still.
const (
	longest   = 14
	firstRows = 3
)

// Epochs returns the table of a training history: each epoch's losses and
// metrics on the training and the validation data, learning rate and seconds.
// The epoch with the lowest validation loss is marked. Of a long history the
// first rows, the best and the last rows are shown.
func (r *Renderer) Epochs(epochs []wire.Epoch) []wire.Item {
	if len(epochs) == 0 {
		return bundle(frame(noEpoch), nil, "no epoch completed yet\n")
	}
	t := epochTable(epochs)
	return bundle(frame(t.html()), nil, t.text())
}

// epochTable makes the table of a history.
func epochTable(epochs []wire.Epoch) *table {
	train, valid := names(epochs, false), names(epochs, true)
	t := &table{head: []string{"epoch"}, right: []bool{true}}
	column := func(head string, right bool) {
		t.head, t.right = append(t.head, head), append(t.right, right)
	}
	for _, name := range train {
		column(name, true)
	}
	for _, name := range valid {
		column("val "+name, true)
	}
	column("lr", true)
	column("seconds", true)
	column("", false)

	best := bestEpoch(epochs)
	from, to := fold(len(epochs), best)
	for i := 0; i < len(epochs); i++ {
		if hidden := folded(i, from, to, best); hidden > 0 {
			cells := make([]string, len(t.head))
			cells[0], cells[1] = "⋮", count(hidden)+" more"
			t.add("dim", cells...)
			i += hidden - 1
			continue
		}
		cells := epochRow(epochs[i], train, valid)
		if i == best {
			t.add("mark", append(cells, "◂ best")...)
		} else {
			t.add("", append(cells, "")...)
		}
	}
	return t
}

// epochRow writes one epoch.
func epochRow(e wire.Epoch, train, valid []string) []string {
	cells := []string{strconv.Itoa(e.N)}
	for _, name := range train {
		cells = append(cells, cellOf(e.Train, name))
	}
	for _, name := range valid {
		cells = append(cells, cellOf(e.Valid, name))
	}
	return append(cells, short(e.LR), strconv.FormatFloat(e.Seconds, 'f', 2, 64))
}

// fold returns the first and the end of the rows in the middle that a table of
// n rows does not show: all rows when n is small.
func fold(n, best int) (from, to int) {
	if n <= longest {
		return n, n
	}
	from, to = firstRows, n-(longest-firstRows-1) // one line says how many are hidden
	// The best row in their midst takes a line and parts them in two.
	if from <= best && best < to {
		to++
		if from < best {
			to++
		}
	}
	return from, to
}

// folded is the number of rows hidden from row i on: those of the middle up to
// the best one.
func folded(i, from, to, best int) int {
	if i < from || i >= to || i == best {
		return 0
	}
	if i < best && best < to {
		return best - i
	}
	return to - i
}

// bestEpoch is the index of the epoch with the lowest validation loss, -1 when
// none was validated.
func bestEpoch(epochs []wire.Epoch) int {
	best, least := -1, math.Inf(1)
	for i, e := range epochs {
		if loss := metric(e.Valid, "loss"); loss < least {
			best, least = i, loss
		}
	}
	return best
}

// cellOf writes a metric of an epoch; one that was not measured is left out.
func cellOf(list []wire.Metric, name string) string {
	for _, m := range list {
		if m.Name == name {
			return number(m.Value)
		}
	}
	return ""
}
