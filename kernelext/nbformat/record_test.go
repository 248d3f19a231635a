package nbformat

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
)

func display(id, text string) Object {
	return Object{"data": Object{"text/plain": text}, "metadata": Object{}, "transient": Object{"display_id": id}}
}

func stream(name, text string) Object { return Object{"name": name, "text": text} }

func texts(c *Cell) []string {
	out := []string{}
	for _, o := range c.Outputs() {
		s := Text(o["text"])
		if data, ok := o["data"].(Object); ok {
			s = Text(data["text/plain"])
		}
		if o["output_type"] == "error" {
			s = Text(o["evalue"])
		}
		out = append(out, s)
	}
	return out
}

func TestRecordingFollowsTheFrontEnds(t *testing.T) {
	type message struct {
		kind    string
		content Object
	}
	cases := []struct {
		name string
		sent []message
		want []string
	}{
		{"nothing", nil, []string{}},
		{"status is no output", []message{{"status", Object{}}, {"execute_input", Object{}}}, []string{}},
		{"one stream is one output", []message{
			{"stream", stream("stdout", "a")}, {"stream", stream("stdout", "b\n")}, {"stream", stream("stderr", "c")},
			{"stream", stream("stdout", "d")},
		}, []string{"ab\n", "c", "d"}},
		{"a display parts a stream", []message{
			{"stream", stream("stdout", "a")}, {"display_data", display("", "p")}, {"stream", stream("stdout", "b")},
		}, []string{"a", "p", "b"}},
		{"clear now", []message{{"stream", stream("stdout", "a")}, {"clear_output", Object{}}}, []string{}},
		{"clear with the next output", []message{
			{"stream", stream("stdout", "a")}, {"clear_output", Object{"wait": true}}, {"stream", stream("stdout", "b")},
		}, []string{"b"}},
		{"no next output, no clear", []message{{"stream", stream("stdout", "a")}, {"clear_output", Object{"wait": true}}}, []string{"a"}},
		{"update", []message{{"display_data", display("d", "1")}, {"update_display_data", display("d", "2")}}, []string{"2"}},
		{"one id shown twice", []message{
			{"display_data", display("d", "1")}, {"display_data", display("d", "1")}, {"update_display_data", display("d", "2")},
		}, []string{"2", "2"}},
		{"update of an unknown id", []message{{"display_data", display("d", "1")}, {"update_display_data", display("e", "2")}}, []string{"1"}},
		{"error", []message{{"error", Object{"ename": "E", "evalue": "bad", "traceback": []any{"x"}}}}, []string{"bad"}},
		{"hostile contents", []message{
			{"stream", Object{"text": 7}}, {"display_data", Object{"data": "x"}}, {"error", Object{"traceback": "x"}},
			{"update_display_data", Object{"transient": 7}},
		}, []string{"", "", ""}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var r Recorder
			n := New()
			cell := n.Add(Code, "x")
			rec := r.Begin(cell)
			for _, m := range c.sent {
				rec.Apply(m.kind, m.content)
			}
			rec.Flush()
			if got := texts(cell); !reflect.DeepEqual(got, c.want) {
				t.Errorf("outputs %q, want %q", got, c.want)
			}
			if _, err := Parse(n.Encode()); err != nil {
				t.Errorf("the notebook is broken: %v", err)
			}
		})
	}
}

func TestLateUpdateReachesAnEarlierCell(t *testing.T) {
	var r Recorder
	n := New()
	first, second := n.Add(Code, "1"), n.Add(Code, "2")
	a := r.Begin(first)
	a.Apply("display_data", display("d", "old"))
	a.SetCount(json.Number("1"))
	a.Flush()
	b := r.Begin(second)
	b.Apply("stream", stream("stdout", "x"))
	r.Update(display("d", "new"))
	b.Flush()
	if got := texts(first); !reflect.DeepEqual(got, []string{"new"}) || first.Count() != 1 {
		t.Errorf("first cell %q, count %d", got, first.Count())
	}
	if got := texts(second); !reflect.DeepEqual(got, []string{"x"}) {
		t.Errorf("second cell %q", got)
	}
	r.Begin(first)
	if len(first.Outputs()) != 0 || first.Count() != 0 {
		t.Error("a cell that starts again has no outputs and no count")
	}
}

func Example() {
	n := New()
	n.Add(Markdown, "# Title")
	cell := n.Add(Code, "fmt.Println(1)")
	var r Recorder
	rec := r.Begin(cell)
	rec.Apply("stream", Object{"name": "stdout", "text": "1\n"})
	rec.Flush()
	for _, o := range cell.Outputs() {
		fmt.Print(Text(o["text"]))
	}
	// Output: 1
}
