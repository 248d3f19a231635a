package render

import (
	"math"
	"strconv"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// A longer epoch table than longest rows shows the first and the last ones.
const (
	longest   = 14
	firstRows = 3
	lastRows  = 8
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
	for i := 0; i < len(epochs); i++ {
		if hidden := folded(i, len(epochs), best); hidden > 0 {
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

// folded is the number of rows hidden from row i on: the middle of a long
// table, but for the best row.
func folded(i, n, best int) int {
	from, to := firstRows, n-lastRows
	if n <= longest || i < from || i >= to || i == best {
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
