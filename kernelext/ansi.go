package kernelext

import (
	"fmt"
	"html"
	"strconv"
	"strings"
)

// ansiHTML turns a terminal's text into HTML: colours become spans, a carriage return starts its line again, and all other
// escape sequences are dropped.
func ansiHTML(s string) string {
	var b strings.Builder
	var st ansiStyle
	s = overwritten(s)
	for s != "" {
		at := ansiSequence.FindStringIndex(s)
		if at == nil {
			at = []int{len(s), len(s)}
		}
		st.span(&b, s[:at[0]])
		seq := s[at[0]:at[1]]
		if strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "m") {
			st.apply(seq[2 : len(seq)-1])
		}
		s = s[at[1]:]
	}
	return b.String()
}

// overwritten drops what a carriage return has written over, as progress bars do.
func overwritten(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if !strings.Contains(s, "\r") {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, "\r")
		lines[i] = line[strings.LastIndexByte(line, '\r')+1:]
	}
	return strings.Join(lines, "\n")
}

// ansiStyle is what select graphic rendition has set. Colours are a class (f1, g1) or, beyond the first 16, a CSS colour.
type ansiStyle struct {
	bold, italic, underline, inverse bool
	fore, back                       string
}

func (st *ansiStyle) span(b *strings.Builder, text string) {
	text = strings.ReplaceAll(text, "\x1b", "") // the rest of a broken sequence
	if text == "" {
		return
	}
	var class, style []string
	for _, c := range []struct {
		on   bool
		name string
	}{{st.bold, "b"}, {st.italic, "i"}, {st.underline, "u"}, {st.inverse, "inv"}} {
		if c.on {
			class = append(class, c.name)
		}
	}
	for _, c := range []struct{ value, property string }{{st.fore, "color"}, {st.back, "background"}} {
		if strings.HasPrefix(c.value, "#") {
			style = append(style, c.property+":"+c.value)
		} else if c.value != "" {
			class = append(class, c.value)
		}
	}
	if class == nil && style == nil {
		b.WriteString(html.EscapeString(text))
		return
	}
	b.WriteString("<span")
	if class != nil {
		fmt.Fprintf(b, " class=\"%s\"", strings.Join(class, " "))
	}
	if style != nil {
		fmt.Fprintf(b, " style=\"%s\"", strings.Join(style, ";"))
	}
	b.WriteString(">" + html.EscapeString(text) + "</span>")
}

// apply changes the style by the parameters of one sequence.
func (st *ansiStyle) apply(params string) {
	codes := strings.Split(params, ";")
	for i := 0; i < len(codes); i++ {
		n, err := strconv.Atoi(codes[i])
		if codes[i] == "" {
			n, err = 0, nil
		}
		if err != nil {
			continue
		}
		switch {
		case n == 0:
			*st = ansiStyle{}
		case n == 1:
			st.bold = true
		case n == 3:
			st.italic = true
		case n == 4:
			st.underline = true
		case n == 7:
			st.inverse = true
		case n == 22:
			st.bold = false
		case n == 23:
			st.italic = false
		case n == 24:
			st.underline = false
		case n == 27:
			st.inverse = false
		case n >= 30 && n <= 37 || n >= 90 && n <= 97:
			st.fore = fmt.Sprintf("f%d", n%10)
		case n >= 40 && n <= 47 || n >= 100 && n <= 107:
			st.back = fmt.Sprintf("g%d", n%10)
		case n == 39:
			st.fore = ""
		case n == 49:
			st.back = ""
		case n == 38 || n == 48:
			colour, used := extended(codes[i+1:])
			i += used
			if n == 38 {
				st.fore = colour
			} else {
				st.back = colour
			}
		}
	}
}

// extended reads 5;n (a palette of 256) or 2;r;g;b behind 38 or 48 and says how many parameters it took.
func extended(codes []string) (colour string, used int) {
	v := make([]int, 0, 4)
	for _, c := range codes[:min(4, len(codes))] {
		n, err := strconv.Atoi(c)
		if err != nil || n < 0 || n > 255 {
			break
		}
		v = append(v, n)
	}
	switch {
	case len(v) >= 2 && v[0] == 5:
		return palette(v[1]), 2
	case len(v) == 4 && v[0] == 2:
		return fmt.Sprintf("#%02x%02x%02x", v[1], v[2], v[3]), 4
	}
	return "", len(codes)
}

// palette returns xterm's colour: 16 basic ones (as dark ones here), a cube of 6x6x6, and 24 greys.
func palette(n int) string {
	switch {
	case n < 16:
		basic := [8]string{"#24292f", "#cf222e", "#116329", "#8a5a00", "#0550ae", "#8250df", "#1b7c83", "#6e7781"}
		return basic[n%8]
	case n < 232:
		level := func(k int) int {
			if k == 0 {
				return 0
			}
			return 55 + 40*k
		}
		n -= 16
		return fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6%6), level(n%6))
	}
	grey := 8 + 10*(n-232)
	return fmt.Sprintf("#%02x%02x%02x", grey, grey, grey)
}
