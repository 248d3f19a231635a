package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// The limits of Parse, well above what a model needs: text from elsewhere must
// not exhaust the memory of who reads it.
const (
	MaxText     = 64 << 20 // bytes
	MaxValues   = 1 << 17
	MaxOperands = 1 << 20 // of all values together
	MaxAxes     = 16
)

// Parse reads what Graph.String prints. The text may come from anywhere: an
// error names the line, and a graph that is returned passes Graph.Check. That
// its shapes are right only op.Check can tell.
func Parse(text string) (*Graph, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("a graph of %d bytes; the limit is %d", len(text), MaxText)
	}
	p := &parser{g: &Graph{}}
	n := 0
	for line := range strings.Lines(text) {
		n++
		p.rest = strings.TrimRight(line, "\r\n")
		if err := p.line(n == 1); err != nil {
			return nil, fmt.Errorf("graph text, line %d: %w", n, err)
		}
	}
	if n == 0 {
		return nil, fmt.Errorf(`graph text: empty; it begins with the line: graph "name"`)
	}
	if err := p.g.Check(); err != nil {
		return nil, fmt.Errorf("graph text: %w", err)
	}
	return p.g, nil
}

type parser struct {
	g        *Graph
	rest     string // of the line
	operands int
}

func (p *parser) line(first bool) error {
	if first {
		if !p.take("graph ") {
			return fmt.Errorf(`it must be: graph "name"`)
		}
		return p.last(p.quoted(&p.g.Name))
	}
	switch {
	case strings.TrimSpace(p.rest) == "":
		return nil
	case p.take("output "):
		var o Output
		if err := p.quoted(&o.Name); err != nil {
			return err
		}
		p.take(" ")
		err := p.ref(&o.Value)
		p.g.Outputs = append(p.g.Outputs, o)
		return p.last(err)
	case p.take("update "):
		var u Update
		if err := p.ref(&u.State); err != nil {
			return err
		}
		p.take(" ")
		err := p.ref(&u.New)
		p.g.Updates = append(p.g.Updates, u)
		return p.last(err)
	}
	return p.value()
}

// value reads a line like: %2 = matmul %0 %1 f32[B,10] {ta=false} layer "l" at "f.go":12
func (p *parser) value() error {
	n := len(p.g.Values)
	if n >= MaxValues {
		return fmt.Errorf("more than %d values", MaxValues)
	}
	if !p.take("%" + strconv.Itoa(n) + " = ") {
		return fmt.Errorf("it must begin with %%%d =, or be an output or update", n)
	}
	v := &Value{}
	if v.Op = p.word(); v.Op == "" {
		return fmt.Errorf("the op is missing")
	}
	if strings.HasPrefix(p.rest, ` "`) {
		p.take(" ")
		if err := p.quoted(&v.Name); err != nil {
			return err
		}
	}
	for strings.HasPrefix(p.rest, " %") {
		p.take(" ")
		var in *Value
		if err := p.ref(&in); err != nil {
			return err
		}
		if p.operands++; p.operands > MaxOperands {
			return fmt.Errorf("more than %d operands in all", MaxOperands)
		}
		v.In = append(v.In, in)
	}
	p.take(" ")
	if err := p.typ(v); err != nil {
		return err
	}
	if err := p.tail(v); err != nil {
		return err
	}
	p.g.Values = append(p.g.Values, v)
	return p.last(nil)
}

// tail reads what may follow the type: attributes, layer and position.
func (p *parser) tail(v *Value) error {
	if p.take(" {") {
		if err := p.attrs(v); err != nil {
			return err
		}
	}
	if p.take(" layer ") {
		if err := p.quoted(&v.Layer); err != nil {
			return err
		}
	}
	if p.take(" at ") {
		if err := p.quoted(&v.Pos.File); err != nil {
			return err
		}
		if !p.take(":") {
			return fmt.Errorf("the line of the position is missing")
		}
		line, err := strconv.Atoi(p.until(" "))
		if err != nil {
			return fmt.Errorf("the line of the position is no number")
		}
		v.Pos.Line = line
	}
	return nil
}

func (p *parser) typ(v *Value) error {
	text := p.until(" ")
	open := strings.IndexByte(text, '[')
	if open < 0 {
		return fmt.Errorf("%q is not a type like f32[B,10]", clip(text))
	}
	if strings.Count(text, ",") >= MaxAxes {
		return fmt.Errorf("more than %d axes", MaxAxes)
	}
	var err error
	if v.DType, err = ParseDType(text[:open]); err != nil {
		return err
	}
	v.Shape, err = ParseShape(text[open:])
	return err
}

// attrs reads name=value pairs up to the closing brace.
func (p *parser) attrs(v *Value) error {
	v.Attrs = Attrs{}
	for {
		key := p.word()
		if key == "" || !p.take("=") {
			return fmt.Errorf("an attribute must be written name=value")
		}
		if _, twice := v.Attrs[key]; twice {
			return fmt.Errorf("the attribute %s is there twice", key)
		}
		x, err := p.attr()
		if err != nil {
			return fmt.Errorf("attribute %s: %w", key, err)
		}
		v.Attrs[key] = x
		if p.take("}") {
			return nil
		}
		if !p.take(" ") {
			return fmt.Errorf("the attributes do not end with }")
		}
	}
}

func (p *parser) attr() (any, error) {
	if strings.HasPrefix(p.rest, `"`) {
		var s string
		err := p.quoted(&s)
		return s, err
	}
	text := p.until(" }")
	if text == "true" || text == "false" {
		return text == "true", nil
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		if !ok {
			return nil, fmt.Errorf("%q does not end with ]", clip(text))
		}
		return parseInts(inner)
	}
	if n, err := strconv.Atoi(text); err == nil {
		return n, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is no number, list, string or truth value", clip(text))
	}
	return x, nil
}

func parseInts(text string) ([]int, error) {
	out := []int{}
	if text == "" {
		return out, nil
	}
	if strings.Count(text, ",") >= MaxAxes {
		return nil, fmt.Errorf("more than %d numbers", MaxAxes)
	}
	for _, part := range strings.Split(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, fmt.Errorf("%q is no whole number", clip(part))
		}
		out = append(out, n)
	}
	return out, nil
}

// take drops a prefix of the line and reports whether it was there.
func (p *parser) take(prefix string) bool {
	rest, ok := strings.CutPrefix(p.rest, prefix)
	if ok {
		p.rest = rest
	}
	return ok
}

// until takes everything before the first of the given bytes.
func (p *parser) until(stop string) string {
	i := strings.IndexAny(p.rest, stop)
	if i < 0 {
		i = len(p.rest)
	}
	text := p.rest[:i]
	p.rest = p.rest[i:]
	return text
}

// word takes a name of letters, digits and underscores.
func (p *parser) word() string {
	i := 0
	for i < len(p.rest) && isWord(p.rest[i]) {
		i++
	}
	text := p.rest[:i]
	p.rest = p.rest[i:]
	return text
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func (p *parser) quoted(to *string) error {
	text, err := strconv.QuotedPrefix(p.rest)
	if err != nil || text[0] != '"' {
		return fmt.Errorf("%q does not begin with a quoted string", clip(p.rest))
	}
	p.rest = p.rest[len(text):]
	*to, err = strconv.Unquote(text)
	return err
}

// ref reads the number of a value that stands above.
func (p *parser) ref(to **Value) error {
	digits, ok := strings.CutPrefix(p.until(" "), "%")
	n, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil || int(n) >= len(p.g.Values) {
		return fmt.Errorf("%%%s is no value above this line", clip(digits))
	}
	*to = p.g.Values[n]
	return nil
}

// last fails when something is left of the line.
func (p *parser) last(err error) error {
	if err == nil && p.rest != "" {
		return fmt.Errorf("%q is too much", clip(p.rest))
	}
	return err
}

// clip shortens what a message quotes.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
