package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"

	"github.com/metalnb/metalnb/kernelext"
	"github.com/metalnb/metalnb/metalcore/bench"
)

func benchmark(ctx context.Context, flags *flag.FlagSet, args []string) error {
	only := flags.String("only", "", "measure these `PARTS` alone, such as W1,W3: cells, "+strings.Join(bench.Parts(), ", "))
	threads := flags.String("threads", "", "`NUMBERS` of threads, such as 1,2; one, and as many as there are processors when not given")
	rounds := flags.Int("rounds", 9, "how often each measurement is repeated")
	on := flags.String("device", "", "measure products, training and inference on this `DEVICE`: "+deviceNames()+"; the CPU when not given")
	vs := flags.String("vs", "", "compare W1 to W6 and infer with the PyTorch and JAX of this `PYTHON`, the best of many ways of each; nothing else is measured")
	profile := flags.String("cpuprofile", "", "write a profile of this process to `FILE`, for go tool pprof")
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o := bench.Options{Binary: self, Rounds: *rounds, Python: *vs, Device: *on}
	for _, word := range list(*threads) {
		n, err := strconv.Atoi(word)
		if err != nil {
			return fmt.Errorf("--threads %s: %q is no number", *threads, word)
		}
		o.Threads = append(o.Threads, n)
	}
	const cells = "cells"
	o.Only = list(*only)
	all, withCells := len(o.Only) == 0, slices.Contains(o.Only, cells)
	o.Only = slices.DeleteFunc(o.Only, func(name string) bool { return name == cells })
	if *profile != "" {
		end, err := profileTo(*profile)
		if err != nil {
			return err
		}
		defer end()
	}
	if all || *vs != "" || len(o.Only) > 0 {
		if err := bench.Run(ctx, os.Stdout, o); err != nil {
			return err
		}
	}
	if *vs != "" || !all && !withCells {
		return nil
	}
	env, end, err := privateCore(self)
	if err != nil {
		return err
	}
	defer end()
	return kernelext.Latency(ctx, os.Stdout, *rounds, env, kernelext.ModuleRoot())
}

// profileTo writes a profile of what happens until end is called.
func profileTo(path string) (end func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}

// list splits a flag's value at commas.
func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
