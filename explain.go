package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/metalnb/metalnb/metalcore/backend/cpu"
	"github.com/metalnb/metalnb/metalcore/compile"
	"github.com/metalnb/metalnb/metalcore/control"
	"github.com/metalnb/metalnb/metalcore/ir"
	"github.com/metalnb/metalnb/metalcore/op"
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/server"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// explain prints what a trainer of the core that runs, or a graph in a file, is
// compiled to.
func explain(_ context.Context, flags *flag.FlagSet, args []string) error {
	skip := flags.String("skip", "", "passes to leave out, as a `LIST` with commas, of "+strings.Join(compile.Passes(), ", "))
	dump := flags.Bool("dump", false, "also print the graph after each pass")
	plan := flags.Bool("plan", false, "also print the place of every value in memory")
	threads := flags.Int("threads", 0, "threads for a file; as many as there are processors when 0")
	usage := flags.Usage
	flags.Usage = func() {
		usage()
		fmt.Fprint(flags.Output(), `
WHAT is a trainer, as "metalnb status" lists them: its name, or notebook/name
where several have one name; or a file with the text of a graph (ir.Graph.String).
A trainer's weights stay as they are: what is measured works on copies.

METALNB_SKIP=LIST and METALNB_DUMP=DIR, in the environment that a core or program
starts with, leave passes out of all that it compiles, and write the graph after
each pass to a directory.
`)
	}
	words, err := parse(flags, args, 1)
	if err != nil {
		return err
	}
	req := &wire.AskExplain{Dump: *dump}
	if *skip != "" {
		req.Skip = strings.Split(*skip, ",")
	}
	e, err := explainFile(words[0], req, *threads)
	if errors.Is(err, os.ErrNotExist) {
		e, err = explainTrainer(words[0], req)
	}
	if err == nil {
		printExplained(os.Stdout, e, *plan)
	}
	return err
}

func printExplained(w io.Writer, e *wire.Explained, plan bool) {
	for _, p := range e.Passes {
		if p.Text != "" {
			fmt.Fprintf(w, "-- after %s\n%s\n", p.Name, strings.TrimRight(p.Text, "\n"))
		}
	}
	fmt.Fprintf(w, "%s\n%s", e.Name, e.Text)
	if plan {
		fmt.Fprint(w, e.Plan)
	}
}

// explainFile explains the graph in a file, here.
func explainFile(path string, req *wire.AskExplain, threads int) (*wire.Explained, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	g, err := ir.Parse(string(text))
	if err == nil {
		err = g.Check()
	}
	if err == nil {
		err = op.Check(g)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	core := runtime.New(cpu.New(threads))
	defer core.Close()
	return server.Explained(core.Explain(g, compile.Options{Skip: req.Skip, Dump: req.Dump}))
}

// explainTrainer has the core explain one of its trainers.
func explainTrainer(word string, req *wire.AskExplain) (*wire.Explained, error) {
	status, err := control.Status(wire.DefaultPlace())
	if wire.IsNoCore(err) {
		return nil, fmt.Errorf("there is no file %s, and no core is running that could have a trainer of that name", word)
	}
	if err != nil {
		return nil, err
	}
	session, trainer, err := findTrainer(status.Sessions, word)
	if err != nil {
		return nil, err
	}
	conn, _, err := wire.Dial(wire.DefaultPlace(), &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid(), Session: session})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	req.Trainer = trainer
	m, err := conn.Call(req)
	if err != nil {
		return nil, err
	}
	e, ok := m.(*wire.Explained)
	if !ok {
		return nil, fmt.Errorf("%T in answer to AskExplain: %w", m, wire.ErrFrame)
	}
	return e, nil
}

// findTrainer finds the one trainer that "name" or "notebook/name" means. A
// notebook is its path or the end of it.
func findTrainer(sessions []wire.SessionInfo, word string) (session, trainer string, err error) {
	var found []string
	for _, s := range sessions {
		for _, t := range s.Trainers {
			full := filepath.ToSlash(s.Name) + "/" + t.Name
			if full == word || strings.HasSuffix(full, "/"+word) {
				session, trainer = s.Name, t.Name
				found = append(found, full)
			}
		}
	}
	switch len(found) {
	case 0:
		return "", "", fmt.Errorf("there is no file and no trainer %q: \"metalnb status\" lists the trainers", word)
	case 1:
		return session, trainer, nil
	}
	return "", "", fmt.Errorf("%q means several trainers: %s", word, strings.Join(found, ", "))
}
