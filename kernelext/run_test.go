package kernelext

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/metalnb/metalnb/kernelext/jupyter"
	"github.com/metalnb/metalnb/kernelext/nbformat"
)

const showCell = `import "github.com/metalnb/metalnb/nb/pipe"

func show(id, text string) {
	if err := pipe.Show(pipe.Data{DisplayID: id, Data: map[string]any{"text/plain": text, "text/html": "<b>" + text + "</b>"}}); err != nil {
		panic(err)
	}
	if err := pipe.Sync(); err != nil {
		panic(err)
	}
}

%%
show("chart", "epoch 1")`

func TestRunExecutesANotebook(t *testing.T) {
	private(t)
	book := write(t, `func twice(x int) int { return 2 * x }`, "%%\nfmt.Println(twice(21), os.Getenv(\"GREETING\"))",
		"%%\nwd, _ := os.Getwd()\nfmt.Println(filepath.Base(wd))", "", showCell, "%%\nshow(\"chart\", \"epoch 2\")")
	var log bytes.Buffer
	out := filepath.Join(t.TempDir(), "out.ipynb")
	page := filepath.Join(t.TempDir(), "out.html")
	res, err := Run(context.Background(), RunOptions{
		Notebook: book, Out: out, HTML: page, Env: []string{"GREETING=hello"}, GoWork: ModuleRoot(), Log: &log,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	n, err := nbformat.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[int]string{
		2: "42 hello\n", 3: filepath.Base(filepath.Dir(book)) + "\n",
		// The display of cell 5 was updated by cell 6.
		5: "epoch 2", 6: "",
	} {
		if got := output(n, number); got != want {
			t.Errorf("cell %d printed %q, want %q", number, got, want)
		}
	}
	if n.Cells()[5].Count() != 5 || n.Cells()[3].Count() != 0 {
		t.Errorf("counts %d and %d", n.Cells()[5].Count(), n.Cells()[3].Count())
	}
	if n.Language() != "go" || n.Metadata()["kernelspec"].(nbformat.Object)["name"] != DefaultName {
		t.Errorf("metadata %v", n.Metadata())
	}
	if lines := strings.Split(strings.TrimSpace(log.String()), "\n"); len(lines) != 5 || !strings.HasPrefix(lines[1], "[2/5] ") {
		t.Errorf("log\n%s", &log)
	}
	if len(res.Cells) != 5 || res.Ready <= 0 || res.Cells[1].Time <= 0 || res.Cells[0].Title != "func twice(x int) int { return 2 * x }" {
		t.Errorf("result %+v", res)
	}
	html, err := os.ReadFile(page)
	if err != nil || !bytes.Contains(html, []byte("<b>epoch 2</b>")) || bytes.Contains(html, []byte("epoch 1</b>")) {
		t.Errorf("the page does not show the last display; %v", err)
	}
}

func TestRunStopsAtTheFirstFailure(t *testing.T) {
	private(t)
	book := write(t, "%%\nfmt.Println(1)", "func zero() int { return 0 }\n\n%%\nfmt.Println(1 / zero())", "%%\nfmt.Println(3)")
	var log bytes.Buffer
	out := filepath.Join(t.TempDir(), "out.ipynb")
	_, err := Run(context.Background(), RunOptions{Notebook: book, Out: out, Log: &log})
	var ce *CellError
	if !errors.As(err, &ce) || ce.Number != 2 || ce.Of != 3 || ce.Cause != nil {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"integer divide by zero", "[2/3]", "FAILED"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, &log)
		}
	}
	if strings.Contains(log.String(), "\x1b") {
		t.Errorf("escape sequences in a log that is no terminal: %q", &log)
	}
	n, err := nbformat.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	if output(n, 1) != "1\n" || !strings.Contains(output(n, 2), "divide by zero") || len(n.Cells()[2].Outputs()) != 0 {
		t.Errorf("outputs %q, %q, %v", output(n, 1), output(n, 2), n.Cells()[2].Outputs())
	}
}

func TestRunGoesOnWhereErrorsAreAllowed(t *testing.T) {
	private(t)
	book := write(t, "%%\nx := 1", "%%\nfmt.Println(2)")
	res, err := Run(context.Background(), RunOptions{Notebook: book, AllowErrors: true})
	if err != nil {
		t.Fatal(err)
	}
	var ce *CellError
	if len(res.Cells) != 2 || !errors.As(res.Cells[0].Err, &ce) || !strings.Contains(ce.Detail, "declared and not used: x") {
		t.Errorf("cells %+v", res.Cells)
	}
	if output(res.Notebook, 2) != "2\n" {
		t.Errorf("cell 2 printed %q", output(res.Notebook, 2))
	}
}

// waitingCell says where it waits and catches the interrupt.
const waitingCell = `%%
c := make(chan os.Signal, 1)
signal.Notify(c, os.Interrupt)
if err := os.WriteFile(os.Getenv("MARK"), nil, 0o600); err != nil {
	panic(err)
}
fmt.Println("caught", <-c)`

func TestInterruptReachesTheCell(t *testing.T) {
	private(t)
	book := write(t, waitingCell, "%%\nfmt.Println(2)")
	mark := filepath.Join(t.TempDir(), "mark")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		for range 600 {
			if _, err := os.Stat(mark); err == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	out := filepath.Join(t.TempDir(), "out.ipynb")
	res, err := Run(ctx, RunOptions{Notebook: book, Out: out, Env: []string{"MARK=" + mark}})
	var ce *CellError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &ce) || ce.Number != 1 {
		t.Errorf("got %v", err)
	}
	if len(res.Cells) != 1 {
		t.Errorf("%d cells ran", len(res.Cells))
	}
	n, err := nbformat.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	if got := output(n, 1); got != "caught interrupt\n" {
		t.Errorf("the cell printed %q", got)
	}
}

func TestTimeoutInterruptsTheCell(t *testing.T) {
	private(t)
	book := write(t, "%%\ntime.Sleep(time.Hour)")
	res, err := Run(context.Background(), RunOptions{Notebook: book, Timeout: 3 * time.Second})
	var te *TimeoutError
	if !errors.As(err, &te) || te.Limit != 3*time.Second || res.Cells[0].Time < te.Limit {
		t.Errorf("got %v after %v", err, res.Cells[0].Time)
	}
}

func TestDeathOfTheKernelIsReported(t *testing.T) {
	private(t)
	book := write(t, "%%\nfmt.Println(\"before\")\ntime.Sleep(300*time.Millisecond)\nsyscall.Kill(os.Getppid(), syscall.SIGKILL)\ntime.Sleep(time.Hour)")
	out := filepath.Join(t.TempDir(), "out.ipynb")
	var log bytes.Buffer
	_, err := Run(context.Background(), RunOptions{Notebook: book, Out: out, Log: &log})
	var dead *jupyter.DeadError
	if !errors.As(err, &dead) || !strings.Contains(dead.State, "killed") {
		t.Errorf("got %v", err)
	}
	n, err := nbformat.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	outputs := n.Cells()[0].Outputs()
	if len(outputs) != 2 || nbformat.Text(outputs[0]["text"]) != "before\n" || outputs[1]["ename"] != "KernelDied" {
		t.Errorf("outputs %v", outputs)
	}
}

func TestInstalledKernelRuns(t *testing.T) {
	private(t)
	book := write(t, "%%\nfmt.Println(os.Getenv(\"METALNB_BIN\") != \"\", os.Getenv(\"FROM_SPEC\"))")
	t.Setenv("JUPYTER_DATA_DIR", t.TempDir())
	if _, err := Install(InstallOptions{Name: "mine", Env: map[string]string{"FROM_SPEC": "yes"}, Binary: copySelf(t)}); err != nil {
		t.Fatal(err)
	}
	res, err := Run(context.Background(), RunOptions{Notebook: book, Kernel: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	if got := output(res.Notebook, 1); got != "true yes\n" {
		t.Errorf("the cell printed %q", got)
	}
}

func TestRunRefusesBeforeItWorks(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.ipynb")
	python := nbformat.New()
	python.Metadata()["kernelspec"] = nbformat.Object{"name": "python3", "display_name": "Python 3", "language": "python"}
	if err := python.Write(good); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(dir, "bad.ipynb")
	if err := os.WriteFile(bad, []byte("package main"), 0o644); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		o    RunOptions
		want string
	}{
		{"missing", RunOptions{Notebook: filepath.Join(dir, "no.ipynb")}, "no such file"},
		{"not a notebook", RunOptions{Notebook: bad}, "is not a notebook"},
		{"another language", RunOptions{Notebook: good}, "is in python"},
		{"unknown kernel", RunOptions{Notebook: good, Kernel: "no-such-kernel"}, "no kernel \"no-such-kernel\""},
		{"no folder for the result", RunOptions{Notebook: good, Out: filepath.Join(dir, "no", "out.ipynb")}, "another folder"},
		{"a folder for the page", RunOptions{Notebook: good, HTML: dir}, "not a file"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Run(context.Background(), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a word about %q", err, c.want)
			}
		})
	}
}
