package render

import (
	"fmt"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Summary returns the table of a model's layers with their output shapes and
// parameters, the total, and its memory as 32-bit numbers.
func (r *Renderer) Summary(info wire.TrainerInfo, rows []wire.SummaryRow) []wire.Item {
	t := &table{head: []string{"layer", "type", "output", "parameters"}, right: []bool{false, false, true, true}}
	total := 0
	for _, row := range rows {
		total += row.Params
		t.add("", row.Layer, row.Kind, row.Output, count(row.Params))
	}
	t.add("sum", "total", "", "", count(total))
	page := fmt.Sprintf(`<div class="head"><b>%s</b> <span class="dim">%s</span></div>`+"\n",
		esc(info.Name), totals(total))
	return bundle(frame(page+t.html()), nil, plain(info.Name)+": "+totals(total)+"\n"+t.boxed())
}

// totals tells the number of parameters and their memory.
func totals(params int) string {
	return fmt.Sprintf("%s, %s as f32", plural(params, "parameter"), size(4*int64(params)))
}

// facts is a small card: names and values.
type facts [][2]string

func (f *facts) add(name, value string) {
	if value != "" {
		*f = append(*f, [2]string{name, value})
	}
}

func (f facts) html() string {
	var b strings.Builder
	b.WriteString(`<table class="card"><tbody>` + "\n")
	for _, x := range f {
		fmt.Fprintf(&b, `<tr><th style="text-align:left">%s</th><td style="text-align:left">%s</td></tr>`+"\n", esc(x[0]), esc(x[1]))
	}
	b.WriteString("</tbody></table>\n")
	return b.String()
}

func (f facts) text() string {
	t := &table{head: []string{"", ""}, right: []bool{false, false}}
	for _, x := range f {
		t.add("", "  "+x[0], x[1])
	}
	return strings.TrimLeft(t.text(), "\n")
}

// Trainer returns a small card of a trainer: where it stands and what it is.
func (r *Renderer) Trainer(info wire.TrainerInfo) []wire.Item {
	head, text := headline(info)
	var f facts
	f.add("steps", steps(info))
	if info.Last.N > 0 {
		f.add(fmt.Sprintf("epoch %d", info.Last.N), measured(info.Last))
	}
	f.add("model", fmt.Sprintf("%s, %s on the device", plural(info.Params, "parameter"), size(info.Bytes)))
	f.add("training", fmt.Sprintf("%s, %s, %s", info.Loss, info.Optimizer, batches(info)))
	f.add("data", reference(info.Data))
	f.add("validation", reference(info.Valid))
	return bundle(frame(head+f.html()), nil, text+"\n"+f.text())
}

// batches tells how many rows a step takes, and in how many parts.
func batches(info wire.TrainerInfo) string {
	s := fmt.Sprintf("batches of %d", info.Batch)
	if info.Parts > 1 {
		s += fmt.Sprintf(", %d a step", info.Parts)
	}
	return s
}

// steps counts what was done, and what the loss scale cost.
func steps(info wire.TrainerInfo) string {
	s := count(info.Step)
	if info.Skipped > 0 {
		s += fmt.Sprintf(", of which %s skipped", count(info.Skipped))
	}
	if info.LossScale > 0 {
		s += ", loss scale " + number(info.LossScale)
	}
	return s
}

// measured writes the metrics of an epoch in a line.
func measured(e wire.Epoch) string {
	var parts []string
	for _, m := range e.Train {
		parts = append(parts, m.Name+" "+number(m.Value))
	}
	for _, m := range e.Valid {
		parts = append(parts, "val "+m.Name+" "+number(m.Value))
	}
	return strings.Join(parts, ", ")
}

// reference names data in a line; it is empty when there is none.
func reference(d wire.DataInfo) string {
	if d.Ref.Source == "" {
		return ""
	}
	s := d.Ref.Source
	if d.Ref.Part != "" {
		s += " (" + d.Ref.Part + ")"
	}
	return s + ", " + plural(d.Rows, "row")
}

// Data returns a small card of data: rows, shapes, classes, source and licence.
func (r *Renderer) Data(info wire.DataInfo) []wire.Item {
	name := info.Ref.Source
	if info.Ref.Part != "" {
		name += " (" + info.Ref.Part + ")"
	}
	var f facts
	f.add("rows", count(info.Rows))
	f.add("x of a row", shape(info.XShape))
	if len(info.Classes) == 0 {
		f.add("y of a row", shape(info.YShape))
	} else {
		f.add("classes", fmt.Sprintf("%d: %s", len(info.Classes), classList(info.Classes)))
	}
	if info.Bytes > 0 {
		f.add("memory", size(info.Bytes))
	}
	f.add("about", info.About)
	head := fmt.Sprintf(`<div class="head"><b>%s</b></div>`+"\n", esc(name))
	return bundle(frame(head+f.html()), nil, plain(name)+"\n"+f.text())
}

// classList names the classes, of many only the first.
func classList(classes []string) string {
	const most = 20
	if len(classes) <= most {
		return strings.Join(classes, ", ")
	}
	return fmt.Sprintf("%s, … %d more", strings.Join(classes[:most], ", "), len(classes)-most)
}
