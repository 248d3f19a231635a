package kernelext

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/kernelext/nbformat"
)

// page renders a notebook of one code cell with the given outputs.
func pageOf(t *testing.T, outputs string) string {
	t.Helper()
	n, err := nbformat.Parse([]byte(`{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[
		{"cell_type":"code","id":"a","metadata":{},"source":"x := 1","execution_count":7,"outputs":[` + outputs + `]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteHTML(&b, n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPageShowsTheRichestForm(t *testing.T) {
	display := func(data string) string { return `{"output_type":"display_data","metadata":{},"data":{` + data + `}}` }
	const png, plain = `"image/png":"aGk=\n"`, `"text/plain":"a \"chart\""`
	cases := []struct{ name, output, want, not string }{
		{"html with its scripts", display(`"text/html":["<p>x</p>","<script>f()</script>"],` + png + `,` + plain), "<p>x</p><script>f()</script>", "aGk="},
		{"svg before png", display(`"image/svg+xml":"<svg></svg>",` + png), "<svg></svg>", "aGk="},
		{"png before text", display(png + `,` + plain), `<img alt="a &#34;chart&#34;" src="data:image/png;base64,aGk=">`, "<pre>a"},
		{"a picture cannot leave its attribute", display(`"image/png":"aGk\" onerror=\"x"`), `base64,aGkonerror=x">`, `onerror="`},
		{"plain", display(plain), "<pre>a &#34;chart&#34;</pre>", "<img"},
		{"markdown", display(`"text/markdown":"**b**",` + plain), "<strong>b</strong>", "chart"},
		{"json", display(`"application/json":{"k":1}`), "&#34;k&#34;: 1", ""},
		{"nothing that can be shown", display(`"application/x-unknown":"secret"`), "In [7]", "secret"},
		{"stream", `{"output_type":"stream","name":"stdout","text":"<b>\u001b[1;31mred\u001b[0m 10%\r20%\n"}`, "<pre class=\"text\">20%\n</pre>", "<b>"},
		{"stderr", `{"output_type":"stream","name":"stderr","text":"oh\n"}`, "<pre class=\"err\">oh\n</pre>", ""},
		{"error", `{"output_type":"error","ename":"E","evalue":"v","traceback":["\u001b[31mline\u001b[0m"]}`, `<pre class="fail"><span class="f1">line</span></pre>`, ""},
		{"error without traceback", `{"output_type":"error","ename":"E","evalue":"<v>","traceback":[]}`, `<pre class="fail">E: &lt;v&gt;</pre>`, ""},
		{"result", `{"output_type":"execute_result","execution_count":7,"metadata":{},"data":{` + plain + `}}`, "Out [7]", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := pageOf(t, c.output)
			_, got, _ = strings.Cut(got, "<main>")
			if !strings.Contains(got, c.want) {
				t.Errorf("want %q in\n%s", c.want, got)
			}
			if c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("do not want %q in\n%s", c.not, got)
			}
		})
	}
}

func TestPageHasProseAndCode(t *testing.T) {
	n, err := nbformat.Read("nbformat/testdata/messy.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	n.Add(nbformat.Markdown, "| a | b |\n|---|---|\n| 1 | 2 |\n\n![p](attachment:p.png)\n\n```go\nfunc f() {}\n```\n\n```\na < b\n```\n")
	var b bytes.Buffer
	if err := WriteHTML(&b, n); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	for _, want := range []string{
		"<title>Title &lt;b&gt;&amp;&lt;/b&gt;</title>", "<td>1</td>", "a &lt; b",
		`<span class="c-kd">func</span>`, "In [3]", "prefers-color-scheme: dark", "@media print",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("want %q in the page", want)
		}
	}
	if strings.Contains(got, ">raw<") {
		t.Error("a raw cell is not for pages")
	}
	// Nothing is fetched: no address in an attribute that loads, none in the style.
	if bad := regexp.MustCompile(`(?:src|href)="(?:https?:)?//|url\(|@import`).FindString(got); bad != "" {
		t.Errorf("the page needs the network: %s", bad)
	}
}

func TestPageEmbedsAttachments(t *testing.T) {
	n, err := nbformat.Parse([]byte(`{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[{"cell_type":"markdown","id":"a","metadata":{},
		"source":"![p](attachment:p.png)","attachments":{"p.png":{"image/png":"aGk="}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteHTML(&b, n); err != nil {
		t.Fatal(err)
	}
	if want := `<img src="data:image/png;base64,aGk=" alt="p">`; !strings.Contains(b.String(), want) {
		t.Errorf("want %q in\n%s", want, &b)
	}
}

func TestANSI(t *testing.T) {
	cases := []struct{ in, want string }{
		{"plain <&>", "plain &lt;&amp;&gt;"},
		{"\x1b[31mred\x1b[0m no", `<span class="f1">red</span> no`},
		{"\x1b[1;4;92mx\x1b[22;24my\x1b[39mz", `<span class="b u f2">x</span><span class="f2">y</span>z`},
		{"\x1b[7m[[ Cell ]]\x1b[27m\x1b[44mb\x1b[49m", `<span class="inv">[[ Cell ]]</span><span class="g4">b</span>`},
		{"\x1b[38;5;196mx\x1b[48;2;1;2;3my\x1b[m", `<span style="color:#ff0000">x</span><span style="color:#ff0000;background:#010203">y</span>`},
		{"\x1b[38;5;232mx", `<span style="color:#080808">x</span>`},
		{"\x1b[38;2;999mx", "x"},
		{"\x1b[38mx", "x"},
		{"a\x1b[2Kb\x1b]0;title\x07c\x1b(d", "abc(d"},
		{"1%\r2%\r3%\nok\r\n", "3%\nok\n"},
		{"unfinished \x1b[3", "unfinished [3"},
	}
	for _, c := range cases {
		if got := ansiHTML(c.in); got != c.want {
			t.Errorf("%q\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func ExampleWriteHTML() {
	n := nbformat.New()
	n.Add(nbformat.Markdown, "# A short notebook")
	n.Add(nbformat.Code, `fmt.Println("hello")`)
	var page bytes.Buffer
	if err := WriteHTML(&page, n); err != nil {
		panic(err)
	}
	for line := range strings.Lines(page.String()) {
		if strings.Contains(line, "<h1") {
			fmt.Print(line)
		}
	}
	// Output: <h1 id="a-short-notebook">A short notebook</h1>
}
