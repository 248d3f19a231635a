package kernelext

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/metalnb/metalnb/kernelext/jupyter"
)

// KernelOptions says how Jupyter wants the kernel started.
type KernelOptions struct {
	ConnectionFile string       // written by Jupyter, passed as {connection_file}
	GoWork         string       // source tree that the cells use, see ModuleRoot; "" for none
	Env            []string     // added to the environment of gonb and the cells
	Progress       func(string) // gets a line for each slow step; may be nil
}

// Kernel turns this process into gonb, serving the connection file. It returns only when that fails. Cells find the
// metalnb binary in METALNB_BIN.
func Kernel(ctx context.Context, o KernelOptions) error {
	if _, err := jupyter.ReadConnection(o.ConnectionFile); err != nil {
		return err
	}
	tools, err := Tools(ctx, o.Progress)
	if err != nil {
		return err
	}
	argv, err := tools.argv(o.ConnectionFile, o.GoWork)
	if err != nil {
		return err
	}
	// gonb's log is for its developers; Jupyter's terminal gets only what is fatal.
	argv = append(argv, "-logtostderr=false", "-stderrthreshold=FATAL", "-log_file="+os.DevNull)
	env := tools.environ(o.Env)
	if self, err := os.Executable(); err == nil {
		env = append(env, "METALNB_BIN="+self)
	}
	if err := syscall.Exec(argv[0], argv, last(append(os.Environ(), env...))); err != nil {
		return fmt.Errorf("cannot start %s: %w; remove its folder and it is built again", argv[0], err)
	}
	return nil
}

// argv returns gonb's command line.
func (t Toolset) argv(connectionFile, goWork string) ([]string, error) {
	argv := []string{t.Gonb, "--kernel", connectionFile}
	if goWork == "" {
		return argv, nil
	}
	dir, err := filepath.Abs(goWork)
	if err != nil {
		return nil, err
	}
	if !isFile(filepath.Join(dir, "go.mod")) {
		return nil, fmt.Errorf("the source tree %s has no go.mod; give the folder of a Go module", dir)
	}
	if strings.Contains(dir, ",") {
		return nil, fmt.Errorf("gonb cannot use the source tree %s: its path has a comma; move or link it", dir)
	}
	return append(argv, "-go_work="+dir), nil
}

// last keeps the last value of each name, because the system's own rule for doubles is the first.
func last(env []string) []string {
	at := map[string]int{}
	var out []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if i, ok := at[name]; ok {
			out[i] = e
			continue
		}
		at[name] = len(out)
		out = append(out, e)
	}
	return out
}
