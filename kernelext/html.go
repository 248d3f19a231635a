package kernelext

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/alecthomas/chroma/v2"
	chromahtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	markdown "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"

	"github.com/metalnb/metalnb/kernelext/nbformat"
)

//go:embed page.css
var pageCSS string

// WriteHTML writes a notebook as one page that needs nothing from outside: no network, no other file. Of each output it
// shows the richest form (HTML, then pictures, then text), and HTML goes in as it is, scripts included, so the page deserves
// the trust that the notebook does. Formulas stay as they are written.
func WriteHTML(w io.Writer, n *nbformat.Notebook) error {
	p := &page{lexer: lexers.Get(n.Language())}
	if p.lexer == nil {
		p.lexer = lexers.Get("go")
	}
	p.lexer = chroma.Coalesce(p.lexer)
	p.code = chromahtml.New(chromahtml.WithClasses(true), chromahtml.ClassPrefix("c-"), chromahtml.WithCSSComments(false),
		chromahtml.PreventSurroundingPre(true))
	p.md = goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(markdown.WithUnsafe(), renderer.WithNodeRenderers(util.Prioritized(fences{p}, 100))))

	p.printf("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"+
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>%s</title>\n<style>\n%s",
		html.EscapeString(pageTitle(n)), pageCSS)
	if err := p.styles(); err != nil {
		return err
	}
	// Magics and shell lines are no Go; they are shown without the colour of an error.
	p.printf(".c-chroma .c-err { color: inherit; background: none }\n</style>\n</head>\n<body>\n<main>\n")
	for _, c := range n.Cells() {
		if err := p.cell(c); err != nil {
			return err
		}
	}
	p.printf("<footer>Made by metalnb</footer>\n</main>\n</body>\n</html>\n")
	_, err := w.Write(p.Bytes())
	return err
}

type page struct {
	bytes.Buffer
	lexer chroma.Lexer
	code  *chromahtml.Formatter
	md    goldmark.Markdown
}

func (p *page) printf(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// styles writes the colours of code for light and dark.
func (p *page) styles() error {
	for _, s := range []struct{ name, media string }{
		{"github", "not all and (prefers-color-scheme: dark)"},
		{"github-dark", "(prefers-color-scheme: dark)"},
	} {
		p.printf("@media %s {\n", s.media)
		if err := p.code.WriteCSS(p, styles.Get(s.name)); err != nil {
			return fmt.Errorf("cannot write the page's style: %w", err)
		}
		p.printf("}\n")
	}
	return nil
}

func (p *page) cell(c *nbformat.Cell) error {
	switch c.Type() {
	case nbformat.Markdown:
		p.printf("<section class=\"cell prose\">\n")
		if err := p.md.Convert([]byte(withAttachments(c)), p); err != nil {
			return fmt.Errorf("cannot render a markdown cell: %w", err)
		}
		p.printf("</section>\n")
	case nbformat.Code:
		if strings.TrimSpace(c.Source()) == "" && len(c.Outputs()) == 0 {
			return nil
		}
		return p.codeCell(c)
	}
	return nil
}

func (p *page) codeCell(c *nbformat.Cell) error {
	count := " "
	if n := c.Count(); n > 0 {
		count = fmt.Sprint(n)
	}
	p.printf("<section class=\"cell\">\n<div class=\"row\"><div class=\"prompt\">In [%s]</div><div class=\"in\"><pre class=\"c-chroma\"><code>", count)
	if err := p.colour(p, p.lexer, c.Source()); err != nil {
		return err
	}
	p.printf("</code></pre></div></div>\n")
	for _, o := range c.Outputs() {
		prompt := ""
		if o["output_type"] == "execute_result" {
			prompt = "Out [" + count + "]"
		}
		p.printf("<div class=\"row\"><div class=\"prompt\">%s</div><div class=\"out\">", prompt)
		if err := p.output(o); err != nil {
			return err
		}
		p.printf("</div></div>\n")
	}
	p.printf("</section>\n")
	return nil
}

// colour writes code as spans with the classes that styles writes rules for.
func (p *page) colour(w io.Writer, lexer chroma.Lexer, code string) error {
	tokens, err := lexer.Tokenise(nil, code)
	if err == nil {
		err = p.code.Format(w, styles.Get("github"), tokens)
	}
	if err != nil {
		return fmt.Errorf("cannot colour code: %w", err)
	}
	return nil
}

func (p *page) output(o nbformat.Object) error {
	switch o["output_type"] {
	case "stream":
		class := "text"
		if o["name"] == "stderr" {
			class = "err"
		}
		p.printf("<pre class=\"%s\">%s</pre>", class, ansiHTML(nbformat.Text(o["text"])))
	case "error":
		text := nbformat.Text(o["ename"]) + ": " + nbformat.Text(o["evalue"])
		if trace, _ := o["traceback"].([]any); len(trace) > 0 {
			lines := make([]string, len(trace))
			for i, v := range trace {
				lines[i] = nbformat.Text(v)
			}
			text = strings.Join(lines, "\n")
		}
		p.printf("<pre class=\"fail\">%s</pre>", ansiHTML(strings.TrimSpace(text)))
	default:
		data, _ := o["data"].(nbformat.Object)
		return p.bundle(data)
	}
	return nil
}

// bundle shows the richest form of an output that a page can show.
func (p *page) bundle(data nbformat.Object) error {
	for _, mime := range []string{"application/javascript", "text/javascript", "text/html", "text/markdown", "image/svg+xml",
		"image/png", "image/jpeg", "image/gif", "image/webp", "text/latex", "text/plain", "application/json"} {
		v, ok := data[mime]
		if !ok {
			continue
		}
		text := nbformat.Text(v)
		switch {
		case strings.HasSuffix(mime, "/javascript"):
			p.printf("<script>%s</script>", text)
		case mime == "text/html" || mime == "image/svg+xml":
			p.WriteString(text)
		case mime == "text/markdown":
			p.printf("<div class=\"prose\">")
			if err := p.md.Convert([]byte(text), p); err != nil {
				return fmt.Errorf("cannot render a markdown output: %w", err)
			}
			p.printf("</div>")
		case strings.HasPrefix(mime, "image/"):
			alt := nbformat.Text(data["text/plain"])
			p.printf("<img alt=\"%s\" src=\"%s\">", html.EscapeString(alt), dataURI(mime, text))
		case mime == "application/json":
			b, err := json.MarshalIndent(v, "", "  ")
			if err != nil {
				return fmt.Errorf("cannot show a JSON output: %w", err)
			}
			p.printf("<pre>%s</pre>", html.EscapeString(string(b)))
		default:
			p.printf("<pre>%s</pre>", ansiHTML(text))
		}
		return nil
	}
	return nil
}

// dataURI embeds a picture. Line ends in base64 and anything that could end the attribute are dropped.
func dataURI(mime, base64 string) string {
	clean := strings.Map(func(r rune) rune {
		if r == '+' || r == '/' || r == '=' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, base64)
	return "data:" + mime + ";base64," + clean
}

// withAttachments puts the pictures that a cell carries into its text.
func withAttachments(c *nbformat.Cell) string {
	source := c.Source()
	for name, v := range c.Attachments() {
		bundle, _ := v.(nbformat.Object)
		for mime, data := range bundle {
			if strings.HasPrefix(mime, "image/") {
				source = strings.ReplaceAll(source, "attachment:"+name, dataURI(mime, nbformat.Text(data)))
			}
		}
	}
	return source
}

// pageTitle returns the first heading, which is what a reader calls the notebook.
func pageTitle(n *nbformat.Notebook) string {
	for _, c := range n.Cells() {
		if c.Type() != nbformat.Markdown {
			continue
		}
		for line := range strings.Lines(c.Source()) {
			if text, ok := strings.CutPrefix(strings.TrimSpace(line), "# "); ok {
				return strings.TrimSpace(text)
			}
		}
	}
	return "Notebook"
}
