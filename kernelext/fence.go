package kernelext

import (
	"bytes"
	"html"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// fences colours the code blocks of markdown cells like code cells.
type fences struct{ page *page }

// RegisterFuncs is called by goldmark.
func (f fences) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, f.render)
}

func (f fences) render(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	block := node.(*ast.FencedCodeBlock)
	var code bytes.Buffer
	for i := range block.Lines().Len() {
		line := block.Lines().At(i)
		code.Write(line.Value(source))
	}
	w.WriteString("<pre class=\"c-chroma\"><code>")
	if lexer := lexers.Get(string(block.Language(source))); lexer != nil {
		if err := f.page.colour(w, chroma.Coalesce(lexer), code.String()); err != nil {
			return ast.WalkStop, err
		}
	} else {
		w.WriteString(html.EscapeString(code.String()))
	}
	w.WriteString("</code></pre>\n")
	return ast.WalkContinue, nil
}
