package nbformat

import (
	"encoding/json"
	"maps"
	"strings"
)

// Recorder writes what a kernel sends into the cells of a notebook, as Jupyter's front ends do. The zero value is ready.
type Recorder struct {
	displays map[string][]Object // outputs by display id: one id may have been shown more than once
}

// Recording collects the outputs of one run of a cell.
type Recording struct {
	recorder *Recorder
	cell     *Cell
	outputs  []any
	stream   *strings.Builder // text of the last output when that is a stream
	clear    bool             // clear when the next output comes
}

// Begin drops the cell's old outputs and starts to record new ones.
func (r *Recorder) Begin(c *Cell) *Recording {
	rec := &Recording{recorder: r, cell: c, outputs: []any{}}
	c.raw["outputs"] = rec.outputs
	c.raw["execution_count"] = nil
	return rec
}

// SetCount stores the execution count that the kernel gave the cell.
func (rec *Recording) SetCount(n any) {
	if _, ok := n.(json.Number); ok {
		rec.cell.raw["execution_count"] = n
	}
}

// Apply records one message from iopub by its type and content. Types that show nothing are ignored.
func (rec *Recording) Apply(kind string, content Object) {
	switch kind {
	case "stream":
		rec.clearNow()
		rec.write(Text(content["name"]), Text(content["text"]))
	case "display_data", "execute_result":
		rec.clearNow()
		o := Object{"output_type": kind, "data": object(content["data"]), "metadata": object(content["metadata"])}
		if kind == "execute_result" {
			o["execution_count"] = content["execution_count"]
		}
		rec.recorder.remember(displayID(content), o)
		rec.add(o)
	case "error":
		rec.clearNow()
		trace, ok := content["traceback"].([]any)
		if !ok {
			trace = []any{}
		}
		rec.add(Object{
			"output_type": "error", "ename": Text(content["ename"]), "evalue": Text(content["evalue"]), "traceback": trace,
		})
	case "clear_output":
		rec.clear = true
		if wait, _ := content["wait"].(bool); !wait {
			rec.clearNow()
		}
	case "update_display_data":
		rec.recorder.Update(content)
	}
}

// Update changes every output that was shown under the display id of an update_display_data message, whatever cell it is
// in and however long ago that cell ran.
func (r *Recorder) Update(content Object) {
	for _, o := range r.displays[displayID(content)] {
		o["data"] = maps.Clone(object(content["data"]))
		o["metadata"] = maps.Clone(object(content["metadata"]))
	}
}

// Flush stores the text of streams that is still being collected. Call it before the cell's outputs are read.
func (rec *Recording) Flush() {
	if rec.stream != nil {
		rec.outputs[len(rec.outputs)-1].(Object)["text"] = rec.stream.String()
	}
	rec.cell.raw["outputs"] = rec.outputs
}

func (rec *Recording) add(o Object) {
	rec.Flush()
	rec.stream = nil
	rec.outputs = append(rec.outputs, o)
	rec.cell.raw["outputs"] = rec.outputs
}

// write joins text that follows text of the same stream.
func (rec *Recording) write(name, text string) {
	if rec.stream == nil || rec.outputs[len(rec.outputs)-1].(Object)["name"] != name {
		rec.add(Object{"output_type": "stream", "name": name, "text": ""})
		rec.stream = new(strings.Builder)
	}
	rec.stream.WriteString(text)
}

func (rec *Recording) clearNow() {
	if rec.clear {
		rec.clear, rec.stream, rec.outputs = false, nil, []any{}
		rec.cell.raw["outputs"] = rec.outputs
	}
}

func (r *Recorder) remember(id string, o Object) {
	if id == "" {
		return
	}
	if r.displays == nil {
		r.displays = map[string][]Object{}
	}
	r.displays[id] = append(r.displays[id], o)
}

func displayID(content Object) string {
	id, _ := object(content["transient"])["display_id"].(string)
	return id
}

func object(v any) Object {
	if o, ok := v.(Object); ok {
		return o
	}
	return Object{}
}
