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

const number = `0[xX][0-9a-fA-F]+\w*|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\w*`

var (
	tokenRE     = regexp.MustCompile(`//[^\n]*|/\*(?s:.*?)\*/|"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|` + number + `|::|->|[^\s\w]`)
	directiveRE = regexp.MustCompile(`(?m)^[ \t]*#(?:\\\n|[^\n])*|` + tokenRE.String())
	plainFloat  = regexp.MustCompile(`^(\d+\.\d*|\.\d+)([eE][+-]?\d+)?$|^\d+[eE][+-]?\d+$`)
)

func lex(re *regexp.Regexp, text string) []token {
	var out []token
	for _, m := range re.FindAllStringIndex(text, -1) {
		s := text[m[0]:m[1]]
		if !strings.HasPrefix(s, "//") && !strings.HasPrefix(s, "/*") {
			out = append(out, token{s, m[0], m[1]})
		}
	}
	return out
}

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
	for _, t := range lex(tokenRE, text) {
		if plainFloat.MatchString(t.text) {
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
