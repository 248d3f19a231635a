package nbformat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Encode returns the notebook as Jupyter writes it: keys sorted, indent of one space, no escapes but JSON's own, a newline
// at the end, and texts as lists of lines.
func (n *Notebook) Encode() []byte {
	n.addIDs()
	cells := make([]any, len(n.cells))
	for i, c := range n.cells {
		cells[i] = c.object()
	}
	root := maps.Clone(n.root)
	root["cells"] = cells
	var b bytes.Buffer
	encode(&b, root, 0)
	b.WriteByte('\n')
	return b.Bytes()
}

// object returns the cell as it is stored. The cell itself keeps its texts whole.
func (c *Cell) object() Object {
	raw := maps.Clone(c.raw)
	raw["source"] = lines(c.source)
	if a, ok := raw["attachments"].(Object); ok {
		a = maps.Clone(a)
		for name, bundle := range a {
			a[name] = splitBundle(bundle)
		}
		raw["attachments"] = a
	}
	if c.Type() != Code {
		return raw
	}
	outputs := []any{}
	for _, o := range c.Outputs() {
		o = maps.Clone(o)
		if text, ok := joined(o["text"]); ok && o["output_type"] == "stream" {
			o["text"] = lines(text)
		}
		if data, ok := o["data"]; ok {
			o["data"] = splitBundle(data)
		}
		outputs = append(outputs, o)
	}
	raw["outputs"] = outputs
	return raw
}

// splitBundle stores the texts of a MIME bundle as lines; base64 and JSON stay as they are.
func splitBundle(v any) any {
	bundle, ok := v.(Object)
	if !ok {
		return v
	}
	out := maps.Clone(bundle)
	for mime, value := range out {
		text, ok := joined(value)
		if !ok {
			continue
		}
		switch {
		case strings.HasPrefix(mime, "text/"), mime == "image/svg+xml", mime == "application/javascript":
			out[mime] = lines(text)
		case mime != "application/json" && !strings.HasSuffix(mime, "+json"):
			out[mime] = text
		}
	}
	return out
}

// lines splits a text behind each line end. Line ends are Python's, because Jupyter's server splits with Python.
func lines(s string) []any {
	out := []any{}
	for s != "" {
		n := lineLength(s)
		out = append(out, s[:n])
		s = s[n:]
	}
	return out
}

func lineLength(s string) int {
	for i, r := range s {
		switch r {
		case '\r':
			if strings.HasPrefix(s[i+1:], "\n") {
				return i + 2
			}
			return i + 1
		case '\n', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
			return i + utf8.RuneLen(r)
		}
	}
	return len(s)
}

func encode(b *bytes.Buffer, v any, depth int) {
	switch x := v.(type) {
	case Object:
		keys := slices.Sorted(maps.Keys(x))
		list(b, '{', '}', len(keys), depth, func(i int) {
			encodeString(b, keys[i])
			b.WriteString(": ")
			encode(b, x[keys[i]], depth+1)
		})
	case []any:
		list(b, '[', ']', len(x), depth, func(i int) { encode(b, x[i], depth+1) })
	case string:
		encodeString(b, x)
	case json.Number:
		b.WriteString(x.String())
	case nil:
		b.WriteString("null")
	case bool, int:
		fmt.Fprint(b, x)
	default:
		// Everything else came from a caller who put his own Go value into the metadata.
		text, err := json.Marshal(x)
		if err != nil {
			text = []byte("null")
		}
		b.Write(text)
	}
}

func list(b *bytes.Buffer, open, end byte, n, depth int, item func(int)) {
	b.WriteByte(open)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		newline(b, depth+1)
		item(i)
	}
	if n > 0 {
		newline(b, depth)
	}
	b.WriteByte(end)
}

func newline(b *bytes.Buffer, depth int) {
	b.WriteByte('\n')
	for range depth {
		b.WriteByte(' ')
	}
}

const hexDigits = "0123456789abcdef"

// encodeString escapes what JSON must have escaped and nothing else.
func encodeString(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ':
			b.WriteRune(r)
		default:
			if i := strings.IndexRune("\b\f\n\r\t", r); i >= 0 {
				b.WriteByte('\\')
				b.WriteByte("bfnrt"[i])
				continue
			}
			b.WriteString(`\u00`)
			b.WriteByte(hexDigits[r>>4])
			b.WriteByte(hexDigits[r&15])
		}
	}
	b.WriteByte('"')
}
