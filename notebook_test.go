package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// book is an executed notebook as its file holds it.
type book struct {
	Cells []cell `json:"cells"`
	Major int    `json:"nbformat"`
	Minor int    `json:"nbformat_minor"`
}

type cell struct {
	ID       string          `json:"id"`
	Type     string          `json:"cell_type"`
	Count    *int            `json:"execution_count"`
	Metadata *map[string]any `json:"metadata"`
	Source   any             `json:"source"`
	Outputs  []output        `json:"outputs"`
}

type output struct {
	Type      string         `json:"output_type"`
	Name      string         `json:"name"`
	Text      any            `json:"text"`
	Data      map[string]any `json:"data"`
	EName     *string        `json:"ename"`
	Traceback []string       `json:"traceback"`
}

// text joins what a notebook may hold as a string or as a list of lines.
func text(x any) string {
	list, ok := x.([]any)
	if !ok {
		s, _ := x.(string)
		return s
	}
	var b strings.Builder
	for _, line := range list {
		b.WriteString(line.(string))
	}
	return b.String()
}

// printed is what a cell printed.
func (c *cell) printed() string {
	var b strings.Builder
	for _, o := range c.Outputs {
		if o.Type == "stream" {
			b.WriteString(text(o.Text))
		}
	}
	return b.String()
}

func (b *book) cell(t *testing.T, id string) *cell {
	t.Helper()
	for i := range b.Cells {
		if b.Cells[i].ID == id {
			return &b.Cells[i]
		}
	}
	t.Fatalf("there is no cell %q", id)
	return nil
}

// read reads a notebook and checks that it has the structure of nbformat 4.5.
func read(t *testing.T, path string) *book {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b book
	if err := json.Unmarshal(data, &b); err != nil {
		t.Fatal(err)
	}
	if b.Major != 4 || b.Minor != 5 {
		t.Errorf("nbformat %d.%d", b.Major, b.Minor)
	}
	ids, valid := map[string]bool{}, regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	for _, c := range b.Cells {
		if !valid.MatchString(c.ID) || ids[c.ID] || c.Metadata == nil || c.Source == nil {
			t.Errorf("cell %q: a bad or repeated id, or no metadata or source", c.ID)
		}
		ids[c.ID] = true
		for _, o := range c.Outputs {
			switch {
			case o.Type == "stream" && (o.Name == "stdout" || o.Name == "stderr") && o.Text != nil:
			case (o.Type == "display_data" || o.Type == "execute_result") && len(o.Data) > 0:
			case o.Type == "error" && o.EName != nil && len(o.Traceback) > 0:
			default:
				t.Errorf("cell %q: an output that no nbformat knows: %+v", c.ID, o)
			}
		}
	}
	return &b
}

// execute runs a notebook and returns its results. Whether it fails or not, no
// process and no file of it may be left.
func execute(t *testing.T, notebook string) (b *book, page, log, errs string, code int) {
	t.Helper()
	tmp, err := os.MkdirTemp("", "mnb-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	out := t.TempDir()
	executed, html := filepath.Join(out, "out.ipynb"), filepath.Join(out, "out.html")
	cmd := start(t, "", "run", notebook, "--out", executed, "--html", html)
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run() // its exit code tells
	eventually(t, "all processes of the run to end", func() bool {
		list, err := exec.Command("ps", "-axo", "args=").Output()
		return err == nil && !bytes.Contains(list, []byte(tmp))
	})
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left among the temporary files: %v, %v", left, err)
	}
	data, err := os.ReadFile(html)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, &stdout, &stderr)
	}
	return read(t, executed), string(data), stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// number finds the first number behind some words.
func number(t *testing.T, s, words string) float64 {
	t.Helper()
	m := regexp.MustCompile(regexp.QuoteMeta(words) + `[: ]*([0-9.]+)`).FindStringSubmatch(s)
	if m == nil {
		t.Fatalf("no %q and a number in:\n%s", words, s)
	}
	x, err := strconv.ParseFloat(strings.TrimRight(m[1], "."), 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// elsewhere finds what a page would load from the net.
var elsewhere = regexp.MustCompile(`(?i)<[^>]*\s(src|href)\s*=\s*["']?(https?:)?//|@import|url\(\s*["']?(https?:)?//`)

// executed runs a notebook, through the real gonb, in which no cell may fail.
func executed(t *testing.T, notebook string) *book {
	t.Helper()
	b, page, log, errs, code := execute(t, notebook)
	if code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, log, errs)
	}
	count := 0
	for _, c := range b.Cells {
		if c.Type != "code" {
			continue
		}
		count++
		if c.Count == nil || *c.Count != count {
			t.Errorf("cell %s: execution count %v, want %d", c.ID, c.Count, count)
		}
		for _, o := range c.Outputs {
			if o.Type == "error" || o.Name == "stderr" {
				t.Errorf("cell %s failed: %+v", c.ID, o)
			}
		}
	}
	contains(t, "the log", log, fmt.Sprintf("[%2d/%d]", count, count))
	if m := elsewhere.FindString(page); m != "" {
		t.Errorf("the page needs the net: %s", m)
	}
	return b
}

// The first notebook, twice.
func TestFirstNotebook(t *testing.T) {
	for round := range 2 {
		b := executed(t, "notebooks/01-first-steps.ipynb")
		steps := number(t, b.cell(t, "still").printed(), "step")
		if steps != 3*45 {
			t.Errorf("round %d: after three epochs of 45 steps the next cell sees step %v", round, steps)
		}
		later := number(t, b.cell(t, "start").printed(), "step")
		if n := number(t, b.cell(t, "start").printed(), "epoch"); n < 8 || later < 8*45 {
			t.Errorf("after 8 epochs it stands at epoch %v, step %v", n, later)
		}
		contains(t, "the trainer that was started", b.cell(t, "start").printed(), "running")
		contains(t, "the trainer that was stopped", b.cell(t, "stop").printed(), "stopped", "stopped after step")
		accuracy := number(t, b.cell(t, "evaluate").printed(), "accuracy")
		if strings.Contains(b.cell(t, "evaluate").printed(), "%") {
			accuracy /= 100
		}
		if accuracy <= 0.96 || accuracy > 1 {
			t.Errorf("test accuracy %v", accuracy)
		}
		for _, id := range []string{"data", "fit", "lower", "predict", "confusion"} {
			pictures(t, b.cell(t, id))
		}
	}
}

// The notebook of tensors finds the curve that its measurements were made of.
func TestTensorNotebook(t *testing.T) {
	b := executed(t, "notebooks/02-tensors.ipynb")
	for _, id := range []string{"broadcast", "pca"} {
		pictures(t, b.cell(t, id))
	}
	var found [3]float64
	fit := b.cell(t, "newton").printed()
	_, numbers, _ := strings.Cut(fit, "a, b, c = [")
	if _, err := fmt.Sscan(strings.TrimRight(numbers, "]\n"), &found[0], &found[1], &found[2]); err != nil {
		t.Fatalf("%v in %s", err, fit)
	}
	for i, want := range []float64{2, 1.3, 0.5} {
		if math.Abs(found[i]-want) > 0.03 {
			t.Errorf("the curve is %v", found)
		}
	}
	contains(t, "the slope", b.cell(t, "grad").printed(), "0.91821", "1.38177", "1.10360")
	contains(t, "the rank", b.cell(t, "lstsq").printed(), "rank 8")
	contains(t, "the tones", b.cell(t, "fft").printed(), "tones [12 40]")
	contains(t, "the errors", b.cell(t, "errors").printed(), "inner sizes 3 and 4 differ", "axis j", "singular", "index 7")
}

// The notebook of background training goes back to its checkpoint, step for step.
func TestBackgroundNotebook(t *testing.T) {
	b := executed(t, "notebooks/03-background.ipynb")
	for _, id := range []string{"findlr", "compare", "wait", "feeds"} {
		pictures(t, b.cell(t, id))
	}
	rate := number(t, b.cell(t, "findlr").printed(), "suggested learning rate")
	if rate < 0.01 || rate > 2 {
		t.Errorf("a rate of %v is suggested", rate)
	}
	contains(t, "the trainer that was started", b.cell(t, "start").printed(), "ing, epoch") // running, or compiling still
	contains(t, "the pause", b.cell(t, "pause").printed(), "paused, test accuracy", "steps since: 0")
	contains(t, "the trainers", b.cell(t, "fork").printed(), "calm: running", "bold: finished")
	contains(t, "the early stop", b.cell(t, "wait").printed(), "has not improved for 20 epochs")
	ruin := b.cell(t, "ruin").printed()
	if good, ruined := number(t, ruin, "restored"), number(t, ruin, "ruined"); good < 0.9 || ruined > 0.5 {
		t.Errorf("ruined: %v, restored: %v", ruined, good)
	}
	if want, got := number(t, b.cell(t, "checkpoint").printed(), "step"), number(t, ruin, "step"); got != want {
		t.Errorf("restored to step %v, want %v", got, want)
	}
}

// pictures checks that a cell shows a picture in every form that some viewer
// needs: without scripts, and as text.
func pictures(t *testing.T, c *cell) {
	t.Helper()
	shown := 0
	for _, o := range c.Outputs {
		if o.Type != "display_data" || o.Data["image/png"] == nil {
			continue // the chart library, which is no picture
		}
		shown++
		if !strings.HasPrefix(text(o.Data["image/png"]), "iVBORw0KGgo") {
			t.Errorf("cell %s: that is no PNG", c.ID)
		}
		html := text(o.Data["text/html"])
		if !strings.Contains(html, "data:image/png;base64,") && !strings.Contains(html, "<table") {
			t.Errorf("cell %s shows nothing without scripts", c.ID)
		}
		if plain := text(o.Data["text/plain"]); strings.TrimSpace(plain) == "" || strings.Contains(plain, "<") {
			t.Errorf("cell %s: in plain text it is %q", c.ID, plain)
		}
	}
	if shown != 1 {
		t.Errorf("cell %s shows %d pictures", c.ID, shown)
	}
}

// A cell that fails ends the run: the exit code, the log and the notebook say
// which cell, which line and why.
func TestFailingNotebook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fails.ipynb")
	source := []string{
		"import \"github.com/metalnb/metalnb/nb\"\n\n%%\nfmt.Println(nb.Ones(3).Sum())",
		"%%\nx := nb.Ones(2, 3)\nfmt.Println(\"before\")\nx.MatMul(nb.Ones(4, 5))\nfmt.Println(\"behind\")",
		"%%\nfmt.Println(\"not reached\")",
	}
	var cells []map[string]any
	for i, s := range source {
		cells = append(cells, map[string]any{"id": fmt.Sprint("c", i), "cell_type": "code", "execution_count": nil,
			"metadata": map[string]any{}, "outputs": []any{}, "source": s})
	}
	data, err := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 5, "metadata": map[string]any{}, "cells": cells})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	b, page, log, errs, code := execute(t, path)
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	contains(t, "the command", errs, "cell 2 of 3")
	contains(t, "the log", log, "[1/3]", "[2/3]", "FAILED", "[2,3]", "[4,5]", "Line 4")
	contains(t, "the page", page, "[2,3]", "[4,5]")
	contains(t, "the first cell", b.cell(t, "c0").printed(), "3")
	contains(t, "the cell that failed", b.cell(t, "c1").printed(), "before", "[4,5]", "[[ Cell [2] Line 4 ]]")
	if strings.Contains(b.cell(t, "c1").printed(), "behind") || strings.Contains(b.cell(t, "c1").printed(), "goroutine") {
		t.Error("the cell went on, or shows a stack trace:\n", b.cell(t, "c1").printed())
	}
	if c := b.cell(t, "c2"); c.Count != nil || len(c.Outputs) > 0 {
		t.Errorf("the cell behind the one that failed was run: %+v", c)
	}
}
