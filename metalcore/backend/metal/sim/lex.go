package sim

import (
	"regexp"
	"strings"
)

// token is a word of a text; comments are none.
type token struct {
	text     string
	pos, end int
}

var plainFloat = regexp.MustCompile(`^(\d+\.\d*|\.\d+)([eE][+-]?\d+)?$|^\d+[eE][+-]?\d+$`)

// lex splits a text into its words. A directive of the preprocessor is one, if
// that is asked for, and else words as others are.
func lex(text string, directives bool) []token {
	var out []token
	lineBegins := true
	for i := 0; i < len(text); {
		end := i + wordLen(text[i:])
		switch c := text[i]; {
		case c == '\n':
			lineBegins = true
			fallthrough
		case c == ' ', c == '\t', c == '\r', strings.HasPrefix(text[i:], "//"), strings.HasPrefix(text[i:], "/*"):
			i = end
			continue
		case c == '#' && lineBegins && directives:
			end = i + directiveLen(text[i:])
		}
		lineBegins = false
		out = append(out, token{text[i:end], i, end})
		i = end
	}
	return out
}

// wordLen is the length of the word, comment or space that a text begins with.
func wordLen(text string) int {
	span := func(begin int, in func(i int) bool) int {
		i := begin
		for i < len(text) && in(i) {
			i++
		}
		return i
	}
	through := func(begin int, what string) int {
		if i := strings.Index(text[begin:], what); i >= 0 {
			return begin + i + len(what)
		}
		return len(text)
	}
	switch c := text[0]; {
	case strings.HasPrefix(text, "//"):
		return span(2, func(i int) bool { return text[i] != '\n' })
	case strings.HasPrefix(text, "/*"):
		return through(2, "*/")
	case strings.HasPrefix(text, "::"), strings.HasPrefix(text, "->"):
		return 2
	case c == '"':
		return through(1, `"`)
	case isDigit(c), c == '.' && len(text) > 1 && isDigit(text[1]):
		hex := strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0X")
		return span(1, func(i int) bool {
			exponent := !hex && (text[i-1] == 'e' || text[i-1] == 'E') && (text[i] == '+' || text[i] == '-')
			return isName(text[i]) || text[i] == '.' || exponent
		})
	case isName(c):
		return span(1, func(i int) bool { return isName(text[i]) })
	}
	return 1
}

// directiveLen is the length of a line, and of those that continue it.
func directiveLen(text string) int {
	i := 0
	for i < len(text) && (text[i] != '\n' || text[i-1] == '\\') {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isName(c byte) bool  { return c == '_' || isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }

// edit replaces a part of a text.
type edit struct {
	pos, end int
	text     string
}

// apply makes edits that are in order and do not overlap.
func apply(text string, edits []edit) string {
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(text[at:e.pos])
		b.WriteString(e.text)
		at = e.end
	}
	return b.String() + text[at:]
}

// floats gives literals their type: MSL has no double.
func floats(text string) string {
	var edits []edit
	for _, t := range lex(text, false) {
		if c := t.text[0]; (isDigit(c) || c == '.') && plainFloat.MatchString(t.text) {
			edits = append(edits, edit{t.end, t.end, "f"})
		}
	}
	return apply(text, edits)
}

// closing returns where the bracket at i is closed, the last token if nowhere.
func closing(ts []token, i int) int {
	depth := 0
	for ; i < len(ts)-1; i++ {
		switch ts[i].text {
		case "(", "{", "[":
			depth++
		case ")", "}", "]":
			depth--
		}
		if depth == 0 {
			return i
		}
	}
	return i
}

// blank is the newlines of a text, which keep the lines of what follows.
func blank(text string) string { return strings.Repeat("\n", strings.Count(text, "\n")) }
