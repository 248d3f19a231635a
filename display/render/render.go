package render

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"strings"

	"github.com/metalnb/metalnb/metalcore/wire"
)

// Renderer makes MIME bundles. Its methods may be called at the same time.
type Renderer struct {
	library []wire.Item
}

// New returns a Renderer.
func New() *Renderer {
	return &Renderer{library: library()}
}

// style is the look of all HTML; each bundle brings it along, because each may
// be shown alone.
//
//go:embed page/style.css
var style string

// bundle puts one content together; picture may be nil.
func bundle(page string, picture []byte, text string) []wire.Item {
	items := []wire.Item{{Type: "text/html", Data: []byte(page), Text: true}}
	if picture != nil {
		items = append(items, wire.Item{Type: "image/png", Data: picture})
	}
	return append(items, wire.Item{Type: "text/plain", Data: []byte(text), Text: true})
}

// frame wraps a piece of HTML with the style it needs.
func frame(body string) string {
	return `<div class="metalnb"><style>` + strings.TrimSpace(style) + "</style>\n" + body + "</div>\n"
}

// esc makes a string safe as HTML text and as the value of an attribute.
func esc(s string) string { return html.EscapeString(s) }

// img is a picture inside the HTML, shown at the given size in CSS pixels.
func img(picture []byte, width, height int, alt string) string {
	return fmt.Sprintf(`<img width="%d" height="%d" alt="%s" src="data:image/png;base64,%s">`,
		width, height, esc(alt), base64.StdEncoding.EncodeToString(picture))
}
