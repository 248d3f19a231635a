package runtime

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostName is how many bytes a name may have.
const mostName = 200

// checkName refuses a name that cannot be said in a line or written down.
func checkName(what, name string) error {
	switch {
	case name == "":
		return errorf(BadRequest, "give it one, like \"second\"", "%s needs a name", what)
	case len(name) > mostName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return errorf(BadRequest, "a name is a line of text, of 200 bytes at most", "%s cannot be called %.80q", what, name)
	}
	return nil
}

// checkTrainerName is checkName for what others find by a path: the notebook's, a
// slash, and the trainer's name.
func checkTrainerName(name string) error {
	if err := checkName("a trainer", name); err != nil {
		return err
	}
	if name == "." || name == ".." || strings.Contains(name, "/") {
		return errorf(BadRequest, "take a name without a slash: it becomes the last part of the path by which other notebooks find the trainer",
			"a trainer cannot be called %q", name)
	}
	return nil
}
