package render_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/metalnb/metalnb/display/render"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// rows are the layers of a small network.
func rows() []wire.SummaryRow {
	return []wire.SummaryRow{
		{Layer: "x", Kind: "input", Output: "8×8×1"},
		{Layer: "conv2d_1", Kind: "conv2d", Output: "6×6×16", Params: 160},
		{Layer: "relu_1", Kind: "relu", Output: "6×6×16"},
		{Layer: "dense_1", Kind: "dense", Output: "10", Params: 5770},
	}
}

func TestTablesGolden(t *testing.T) {
	r := render.New()
	golden(t, "summary", r.Summary(wire.TrainerInfo{Name: "digits"}, rows()))
	data := wire.DataInfo{
		Ref: wire.DataRef{Source: "digits", Part: "train"}, Rows: 1437, XShape: []int{8, 8, 1},
		Classes: strings.Split("0123456789", ""), Bytes: 373_620, About: "UCI, CC BY 4.0",
	}
	golden(t, "data", r.Data(data))
	info := history(5).Info
	info.State, info.Goal, info.Data, info.Params, info.Bytes = wire.StateRunning, 8, data, 5930, 1_234_567
	info.Batch, info.Parts, info.Loss, info.Optimizer, info.EpochStep = 32, 4, "cross_entropy", "adam", 4
	info.Last = history(5).Epochs[4]
	golden(t, "trainer", r.Trainer(info))
	golden(t, "regression", r.Data(wire.DataInfo{Ref: wire.DataRef{Source: "diabetes"}, Rows: 442, XShape: []int{10}, YShape: []int{1}}))
}

// explained is a small program.
func explained(name string) *wire.Explained {
	return &wire.Explained{
		Name: name, Params: 5930, Arena: 51_200, Unshared: 99_000, Timed: true, Text: name + "\n", Plan: "arena " + name,
		Passes: []wire.Pass{
			{Name: "fold", Doc: "compute what depends on constants only", Micros: 31.2, Before: 210, After: 190},
			{Name: "fuse", Doc: "compute elementwise values together", Skipped: true, Before: 190, After: 190},
		},
		Kernels: []wire.Kernel{
			{Label: "conv2d + bias relu (" + name + ")", Result: "f32[32,6,6,16]", FLOPs: 331_776, Read: 8832, Written: 73_728, Micros: 12.5},
			{Label: "fused 40: " + strings.Repeat("mul add ", 20), Result: "f32[160]", FLOPs: 6400, Read: 2560, Written: 1920, Micros: 0.9},
		},
	}
}

func TestMemoryGolden(t *testing.T) {
	golden(t, "memory", render.New().Memory(memory("a.ipynb"), "a.ipynb"))
}

func memory(name string) *wire.Memory {
	return &wire.Memory{Limit: 8e9, Live: 3_500_000, Peak: 4e6, Host: 7e5, Unified: true, Disk: 2e9, Cached: 1e6, Buffers: 3, Hits: 5, Misses: 6,
		Holders: []wire.Holder{{Kind: "trainer", Session: name, Name: "digits", Bytes: 3e6, Buffers: 12, Programs: 2, Arenas: 1e6},
			{Kind: "data", Name: name, Bytes: 5e5, Buffers: 2, Host: 7e5, Disk: 2e9}},
		Asleep: []wire.Holder{{Kind: "trainer", Session: "b.ipynb", Name: name}}}
}

func TestExplainedGolden(t *testing.T) {
	golden(t, "explained", render.New().Explained(explained("digits")))
}

func TestTablesEscape(t *testing.T) {
	r := render.New()
	harmless(t, r.Summary(wire.TrainerInfo{Name: evil}, []wire.SummaryRow{{Layer: evil, Kind: evil, Output: evil}}))
	harmless(t, r.Explained(explained(evil)))
	harmless(t, r.Memory(memory(evil), evil))
	harmless(t, r.Data(wire.DataInfo{Ref: wire.DataRef{Source: evil, Part: evil}, Classes: []string{evil}, About: evil}))
}

// The library must come out of the page whole: unpacked it is the ECharts whose
// license stands beside it.
func TestLibrary(t *testing.T) {
	page := part(render.New().Library(), "text/html")
	m := regexp.MustCompile(`atob\("([^"]+)"\)`).FindSubmatch(page)
	if m == nil {
		t.Fatal("the script holds no data")
	}
	packed, err := base64.StdEncoding.DecodeString(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	source, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if len(source) < 1<<20 || !bytes.Contains(source, []byte("Apache Software Foundation")) {
		t.Errorf("%d bytes that are not ECharts", len(source))
	}
	if n := bytes.Count(page, []byte("</script>")); n != 1 {
		t.Errorf("the script ends %d times", n)
	}
}

// A living table must not push what is below it up and down.
func TestLongEpochTablesHaveOneHeight(t *testing.T) {
	for n := 15; n < 40; n += 3 {
		for best := range n {
			epochs := history(n).Epochs
			for i := range epochs {
				epochs[i].Valid = []wire.Metric{{Name: "loss", Value: 2}}
			}
			epochs[best].Valid[0].Value = 1
			text := string(part(render.New().Epochs(epochs), "text/plain"))
			lines := strings.Split(strings.TrimSpace(text), "\n")
			if len(lines) != 15 || strings.Count(text, "◂ best") != 1 {
				t.Fatalf("%d epochs, the best is %d: %d lines\n%s", n, best+1, len(lines), text)
			}
			if shown := rowNumbers(lines); shown != n {
				t.Fatalf("%d epochs, the best is %d: shown and hidden are %d\n%s", n, best+1, shown, text)
			}
		}
	}
}

// rowNumbers adds up the rows shown and those that are said to be hidden.
func rowNumbers(lines []string) int {
	sum := 0
	for _, line := range lines[1:] {
		if words := strings.Fields(line); words[0] == "⋮" {
			hidden, _ := strconv.Atoi(words[1])
			sum += hidden
		} else {
			sum++
		}
	}
	return sum
}
