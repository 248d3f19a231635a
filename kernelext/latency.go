package kernelext

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// latencyCells are kinds of cells whose time is compared; each is edited in every round, so that it is compiled anew.
var latencyCells = []struct{ name, imports, body string }{
	{"fmt alone", `import "fmt"`, `fmt.Println("hello")`},
	{"nb", "import \"fmt\"\nimport \"github.com/metalnb/metalnb/nb\"", `fmt.Println(nb.Input(4).Dense(2))`},
	{"nb and display", "import \"fmt\"\nimport \"github.com/metalnb/metalnb/nb\"\nimport \"github.com/metalnb/metalnb/display\"",
		"fmt.Println(nb.Input(4).Dense(2))\nif len(os.Args) > 9 {\n\tdisplay.Pictures(nb.Ones(1, 2, 2))\n}"},
	{"nb, with a call to the core", "import \"fmt\"\nimport \"github.com/metalnb/metalnb/nb\"", `fmt.Println(nb.Ones(3).Sum())`},
}

// Latency measures how long cells take from being sent until the kernel is idle again, in one kernel, taking turns, and
// prints a line for each kind with the median, the middle half of the rounds, and what it costs more than fmt alone.
func Latency(ctx context.Context, w io.Writer, rounds int, env []string, goWork string) error {
	dir, err := os.MkdirTemp("", "metalnb-latency-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "latency.ipynb")
	book, err := json.Marshal(latencyNotebook(rounds + 1))
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, book, 0o600); err != nil {
		return err
	}
	result, err := Run(ctx, RunOptions{Notebook: path, Env: env, GoWork: goWork})
	if err != nil {
		return err
	}
	kinds := len(latencyCells)
	times := make([][]time.Duration, kinds)
	for i, cell := range result.Cells[kinds:] { // the first round fills the build cache
		times[i%kinds] = append(times[i%kinds], cell.Time)
	}
	for i, c := range latencyCells {
		slices.Sort(times[i])
		n := len(times[i])
		ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
		fmt.Fprintf(w, "%-44s %v (%v to %v), %+d ms\n", "cell: "+c.name, ms(times[i][n/2]), ms(times[i][n/4]), ms(times[i][3*n/4]),
			(times[i][n/2] - times[0][n/2]).Milliseconds())
	}
	return nil
}

func latencyNotebook(rounds int) map[string]any {
	var cells []any
	for round := range rounds {
		for i, c := range latencyCells {
			cells = append(cells, map[string]any{
				"cell_type": "code", "id": fmt.Sprintf("c%d-%d", round, i), "metadata": map[string]any{}, "outputs": []any{},
				"execution_count": nil,
				"source":          strings.Join([]string{c.imports, "", "%%", fmt.Sprintf("_ = %d", round), c.body}, "\n"),
			})
		}
	}
	return map[string]any{"cells": cells, "metadata": map[string]any{}, "nbformat": 4, "nbformat_minor": 5}
}
