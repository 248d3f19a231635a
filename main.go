// Command metalnb is deep learning in Go notebooks that keeps its state: the
// core that cells talk to, the Jupyter kernel that runs them, and a runner that
// needs neither Jupyter nor Python.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/metalnb/metalnb/display/render"
	"github.com/metalnb/metalnb/kernelext"
	"github.com/metalnb/metalnb/metalcore/backend/device"
	"github.com/metalnb/metalnb/metalcore/control"
	"github.com/metalnb/metalnb/metalcore/runtime"
	"github.com/metalnb/metalnb/metalcore/server"
	"github.com/metalnb/metalnb/metalcore/socket"
	"github.com/metalnb/metalnb/metalcore/wire"
)

// command is one word that metalnb understands.
type command struct {
	name, args, does string
	run              func(ctx context.Context, flags *flag.FlagSet, args []string) error
}

var commands = []command{
	{"run", "notebook.ipynb", "execute a notebook without Jupyter; leave it executed, and as a page", runNotebook},
	{"install", "", "register the kernel \"Go (metalnb)\" with Jupyter", install},
	{"uninstall", "", "take that back", uninstall},
	{"status", "", "what the core is doing", status},
	{"stop", "", "end the core", stop},
	{"logs", "", "what the core wrote down", logs},
	{"bench", "", "measure cells, calls, and on a device matrix products and training", benchmark},
	{"doctor", "", "examine metalnb on this machine and its devices, and write a report for an issue", examine},
	{"explain", "what", "what a trainer's step, or a graph in a file, is compiled to, with the time of each kernel", explain},
	{"version", "", "print the version", version},
	{"core", "", "be the core; cells start it by themselves", core},
	{"relay", "", "carry what cells say to a core on another machine, which " + wire.EnvCore + " names; cells start it by themselves", relay},
	{"kernel", "connection-file", "be a Jupyter kernel; Jupyter starts it by itself", kernel},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(dispatch(ctx, os.Args[1:], os.Stderr))
}

// errUsage ends a command whose words are wrong, when that has been said.
var errUsage = errors.New("usage")

// dispatch runs the command that the arguments name, and returns the exit code.
func dispatch(ctx context.Context, args []string, errs io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(os.Stdout)
		return 0
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
		flags.SetOutput(errs)
		flags.Usage = func() {
			fmt.Fprintf(errs, "metalnb %s [flags] %s\n%s\n", c.name, c.args, c.does)
			flags.PrintDefaults()
		}
		switch err := c.run(ctx, flags, args[1:]); {
		case err == nil || errors.Is(err, flag.ErrHelp):
			return 0
		case errors.Is(err, errUsage):
			return 2
		default:
			fmt.Fprintf(errs, "metalnb %s: %v\n", c.name, err)
			return 1
		}
	}
	fmt.Fprintf(errs, "metalnb: there is no command %q\n\n", args[0])
	usage(errs)
	return 2
}

func usage(w io.Writer) {
	fmt.Fprintf(w, "metalnb %s: deep learning in Go notebooks that keeps its state\n\n", wire.Version)
	for _, c := range commands {
		fmt.Fprintf(w, "  metalnb %-26s %s\n", strings.TrimSpace(c.name+" "+c.args), c.does)
	}
	fmt.Fprintf(w, "\n`metalnb command --help` lists a command's flags.\n")
}

// parse reads a command's flags, which may stand before, between and behind
// its want other words.
func parse(flags *flag.FlagSet, args []string, want int) ([]string, error) {
	var words []string
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errUsage
		}
		if args = flags.Args(); len(args) > 0 {
			words, args = append(words, args[0]), args[1:]
		}
	}
	if len(words) != want {
		flags.Usage()
		return nil, errUsage
	}
	return words, nil
}

func runNotebook(ctx context.Context, flags *flag.FlagSet, args []string) error {
	html := flags.String("html", "", "also leave it as a self-contained web page `FILE`")
	out := flags.String("out", "", "the executed notebook's `FILE`; NAME.executed.ipynb beside the notebook when not given")
	inPlace := flags.Bool("in-place", false, "put the executed notebook in the place of the notebook")
	kernelName := flags.String("kernel", "", "an installed Jupyter kernel's `NAME`, instead of our own")
	timeout := flags.Duration("timeout", 0, "the longest a cell may take; no limit when 0")
	allow := flags.Bool("allow-errors", false, "go on behind a cell that fails")
	shared := flags.Bool("shared", false, "use the core and the trainers that this notebook has in Jupyter, rather than beginning anew")
	words, err := parse(flags, args, 1)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(words[0])
	if err != nil {
		return err
	}
	switch {
	case *inPlace && *out != "":
		return errors.New("--in-place and --out say two things: use one of them")
	case *inPlace:
		*out = path
	case *out == "":
		*out = strings.TrimSuffix(path, ".ipynb") + ".executed.ipynb"
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	env := []string{wire.EnvBinary + "=" + self}
	if !*shared {
		var end func()
		if env, end, err = privateCore(self); err != nil {
			return err
		}
		defer end()
	}
	env = append(env, "METALNB_SESSION="+path)
	_, err = kernelext.Run(ctx, kernelext.RunOptions{
		Notebook: path, Out: *out, HTML: *html, Kernel: *kernelName, Env: env, GoWork: kernelext.ModuleRoot(),
		Timeout: *timeout, AllowErrors: *allow, Log: os.Stdout,
	})
	return err
}

// privateCore is the environment of cells that have a core of their own, and a
// function that ends it.
func privateCore(binary string) (env []string, end func(), err error) {
	dir, err := os.MkdirTemp("", "metalnb-run-")
	if err != nil {
		return nil, nil, err
	}
	end = func() {
		control.End(wire.Place(dir), true)
		os.RemoveAll(dir)
	}
	return []string{wire.EnvBinary + "=" + binary, wire.EnvDir + "=" + dir, wire.EnvCore + "="}, end, nil
}

func install(_ context.Context, flags *flag.FlagSet, args []string) error {
	prefix := flags.String("prefix", "", "install for all users of a Python environment in `DIR`, not for this user")
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	env := map[string]string{}
	if root := kernelext.ModuleRoot(); root != "" {
		env["METALNB_SRC"] = root // cells use this source tree
	}
	dir, err := kernelext.Install(kernelext.InstallOptions{Prefix: *prefix, Binary: self, Env: env})
	if err != nil {
		return err
	}
	fmt.Printf("Jupyter has the kernel \"Go (metalnb)\" now, in %s\n", dir)
	return nil
}

func uninstall(_ context.Context, flags *flag.FlagSet, args []string) error {
	prefix := flags.String("prefix", "", "the `DIR` it was installed in")
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	dir, err := kernelext.Uninstall(kernelext.InstallOptions{Prefix: *prefix})
	if err == nil {
		fmt.Printf("removed %s\n", dir)
	}
	return err
}

func kernel(ctx context.Context, flags *flag.FlagSet, args []string) error {
	words, err := parse(flags, args, 1)
	if err != nil {
		return err
	}
	var env []string
	if name := os.Getenv("JPY_SESSION_NAME"); name != "" && os.Getenv("METALNB_SESSION") == "" {
		dir, err := os.Getwd() // the notebook's folder
		if err != nil {
			return err
		}
		env = append(env, "METALNB_SESSION="+filepath.Join(dir, filepath.Base(name)))
	}
	return kernelext.Kernel(ctx, kernelext.KernelOptions{ConnectionFile: words[0], GoWork: kernelext.ModuleRoot(), Env: env,
		Progress: func(s string) { fmt.Fprintln(os.Stderr, s) }})
}

func core(ctx context.Context, flags *flag.FlagSet, args []string) error {
	dir := flags.String("dir", string(wire.OwnPlace()), "the core's `DIR`")
	idle := flags.Duration("idle", 10*time.Minute, "end after so long without a client and without anything to keep; never with --listen, unless it is given")
	listen := flags.String("listen", "", "also let programs on other machines in, through TLS, at `HOST:PORT`, and print what they need")
	threads := flags.Int("threads", 0, "threads of the CPU backend; as many as there are processors when 0")
	data := flags.String("data", "", "the `FOLDERS`, separated by "+string(filepath.ListSeparator)+", that data and checkpoints are read from, and t.Save writes to; any when not given, but with --listen none")
	journal := flags.String("journal", journalEnv(), "write each trainer down so often while it trains, as `15s`; \"off\" for never; METALNB_JOURNAL sets it, too")
	resume := flags.Bool("resume", os.Getenv("METALNB_RESUME") != "", "have trainers that were training when a core died go on as soon as a cell uses them; METALNB_RESUME=yes sets it, too")
	away := flags.String("away", cmp.Or(os.Getenv("METALNB_AWAY"), "train"), "what trainings do when the kernel of their notebook ends: train on, or pause until t.Resume(); METALNB_AWAY sets it, too")
	age := flags.Duration("journal-age", 90*24*time.Hour, "forget trainers whose training ended so long before that of the latest; never when 0")
	size := flags.Float64("journal-size", 20, "the `GB` that trainers may take on the disk when the core begins: those not trained for longest are forgotten; any number when 0")
	name := flags.String("device", os.Getenv(device.Env), "the `DEVICE` to compute on: "+deviceNames()+"; "+device.Env+" sets it too")
	memory := flags.String("memory", os.Getenv("METALNB_MEMORY"), "the memory that trainers, data and computations may take on the device, as `8GB`; three quarters of it when not given; METALNB_MEMORY sets it, too")
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	limit, err := byteCount(*memory)
	if err != nil {
		return err
	}
	// SIGTERM ends it, and not a terminal that is closed, or a file that may not grow.
	signal.Ignore(syscall.SIGHUP, os.Interrupt, syscall.SIGXFSZ)
	ends := []os.Signal{syscall.SIGTERM}
	if *listen != "" {
		ends = append(ends, os.Interrupt) // somebody has started it by hand
		if !given(flags, "idle") {
			*idle = 0
		}
	}
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), ends...)
	defer stop()
	every, err := interval(*journal)
	pauses, wrong := pausesAway(*away, *listen)
	if err = cmp.Or(err, wrong); err != nil {
		return err
	}
	devices := device.All(*threads)
	dev, err := devices.Open(*name)
	if err != nil {
		return err
	}
	place, keeper, out := wire.Place(*dir), runtime.New(dev), log.New(server.LogTo(os.Stderr), "", log.LstdFlags)
	if *listen != "" {
		end, err := open(ctx, *listen, place, keeper, out)
		if err != nil {
			return errors.Join(err, keeper.Close())
		}
		defer end()
	}
	err = server.Run(ctx, keeper, server.Options{
		Place: place, Idle: *idle, Journal: server.Journal{Every: every, Age: *age, Bytes: int64(*size * 1e9), Resume: *resume}, Roots: roots(*data, *listen), Away: pauses,
		Renderer: render.New(), Devices: devices, Log: out,
		Memory: runtime.MemoryOptions{Limit: limit, Debug: debugged("memory")},
	})
	if errors.Is(err, socket.ErrRunning) && *listen == "" {
		return nil // two cells started one at once, and the other was first
	}
	return err
}

// journalEnv is how often $METALNB_JOURNAL has trainers written down.
func journalEnv() string { return cmp.Or(os.Getenv("METALNB_JOURNAL"), "15s") }

// interval reads how often trainers are written down, 0 for never.
func interval(text string) (time.Duration, error) {
	if text == "off" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 100*time.Millisecond {
		return 0, fmt.Errorf("a journal %q: give a time of 100ms at least, as 15s, or off", text)
	}
	return d, nil
}

// pausesAway reads what trainings do when the kernel of their notebook ends.
func pausesAway(what, listen string) (bool, error) {
	switch {
	case what == "pause" && listen != "":
		return false, errors.New("--away pause does not go with --listen: a core does not see the kernels of other machines; let trainings train on")
	case what != "pause" && what != "train":
		return false, fmt.Errorf("--away %q: give train or pause", what)
	}
	return what == "pause", nil
}

// deviceNames are the names that --device takes.
func deviceNames() string { return strings.Join(device.All(0).Names(), ", ") }

func status(_ context.Context, flags *flag.FlagSet, args []string) error {
	leaks := flags.Bool("leaks", false, "only tell what memory nobody owns; where it was allocated, if the core began with METALNB_DEBUG=memory")
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	s, err := control.Status(wire.DefaultPlace())
	if wire.IsNoCore(err) {
		fmt.Println("no core is running; the first cell that needs one starts it")
		return nil
	}
	if err != nil {
		return err
	}
	m, err := control.Memory(wire.DefaultPlace())
	switch {
	case *leaks && err != nil:
		return err
	case *leaks:
		fmt.Println(cmp.Or(strings.TrimSuffix(m.Leaks(), "\n"), "all memory belongs to somebody"))
		return nil
	}
	control.Print(os.Stdout, s)
	if err == nil { // a core of another version may not know
		fmt.Printf("device memory: %v\n", m)
	}
	return nil
}

func stop(_ context.Context, flags *flag.FlagSet, args []string) error {
	force := flags.Bool("force", false, "also when that stops a training, or loses data and tensors, which are not written down")
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	pid, err := control.Stop(os.Stdout, wire.DefaultPlace(), *force)
	switch {
	case wire.IsNoCore(err):
		fmt.Println("no core is running")
		return nil
	case err != nil:
		return err
	}
	fmt.Printf("the core, pid %d, has ended\n", pid)
	return nil
}

func logs(_ context.Context, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	f, err := os.Open(wire.DefaultPlace().Log())
	if errors.Is(err, os.ErrNotExist) {
		fmt.Println("no core has run yet")
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(os.Stdout, f)
	return err
}

func version(_ context.Context, flags *flag.FlagSet, args []string) error {
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	fmt.Printf("metalnb %s\n", wire.Version)
	conn, welcome, err := control.Dial(wire.DefaultPlace())
	switch {
	case wire.IsNoCore(err):
		fmt.Println("core    none is running")
	case err != nil:
		fmt.Printf("core    %v\n", err)
	default:
		conn.Close()
		fmt.Printf("core    %s, pid %d\n", welcome.Version, welcome.PID)
	}
	return nil
}
