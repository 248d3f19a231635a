package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/metalnb/metalnb/datasets"
	"github.com/metalnb/metalnb/metalcore/wire"
	"github.com/metalnb/metalnb/nb"
)

// programs are those that the tests run as processes of their own, as cells are.
var programs = map[string]func(words []string){
	"connect":        connect,
	"fit":            fit,
	"try-fit":        tryFit,
	"find-lr":        findLR,
	"start-training": startTraining,
	"steps":          steps,
	"old-core":       oldCore,
	"lead-a-group":   leadAGroup,
	"full-disk":      fullDisk,
	"full-journal":   fullJournal,
	"hand-over":      handOver,
}

// forever is a number of epochs that no test waits for.
const forever = 10_000_000

func trainer(name string) *nb.Trainer {
	model := nb.Input(8, 8, 1).Flatten().Dense(10)
	return nb.NewTrainer(name, model, nb.Config{Data: datasets.Digits().Train, Optimizer: nb.SGD{LR: 1e-3}})
}

// connect says which core it reached, and stays until its input ends.
func connect([]string) {
	conn, welcome, err := wire.Connect(wire.DefaultPlace(), &wire.Hello{Proto: wire.Proto, Version: wire.Version, PID: os.Getpid(), Session: "s"})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println(welcome.PID)
	os.Stdin.Read(make([]byte, 1))
	conn.Close()
}

// fit trains and prints a line per epoch.
func fit(words []string) {
	epochs, err := strconv.Atoi(words[1])
	if err != nil {
		panic(err)
	}
	trainer(words[0]).Fit(epochs)
}

// tryFit prints the error that ends training, and whether another call works.
func tryFit(words []string) {
	err := nb.Try(func() { trainer(words[0]).Fit(forever) })
	if e, ok := errors.AsType[*nb.Error](err); ok {
		fmt.Printf("code %s\n%v\n", e.Code, e)
	}
	err = nb.Try(func() { fmt.Println("sum", nb.Array([]int{1, 2, 3}).Sum().Item()) })
	fmt.Println("then", err)
}

// findLR looks for a learning rate for longer than any test waits.
func findLR([]string) {
	model := nb.Input(8, 8, 1).Conv2D(64, 3).ReLU().Conv2D(64, 3).ReLU().Flatten().Dense(10)
	t := nb.NewTrainer("searched", model, nb.Config{Data: datasets.Digits().Train, Batch: 512})
	t.Attach()
	fmt.Println("declared")
	t.FindLR(nb.LRRange{From: 1e-9, To: 1e-8, Steps: 10_000})
}

func startTraining(words []string) {
	t := trainer(words[0])
	t.Start(forever)
	fmt.Println(t)
}

// steps says where a trainer stands, and whether it trains.
func steps(words []string) {
	t := trainer(words[0])
	fmt.Println(t.Steps(), t.Running())
}

// oldCore is a core of another version.
func oldCore(words []string) {
	wire.Version = "0.0.1-old"
	os.Args = append([]string{os.Args[0], "core"}, words...)
	main()
}

// leadAGroup starts training from a process group of its own, and waits for its
// end with it.
func leadAGroup(words []string) {
	startTraining(words)
	select {}
}

// fullDisk computes what has to pass through files, when none may grow beyond a
// few kilobytes: to the kernel that is as a full disk is.
func fullDisk([]string) {
	smallFiles()
	fmt.Println("answer", nb.Try(func() { nb.Ones(1000, 1000).Add(1).Values() }))
	fmt.Println("argument", nb.Try(func() { nb.Array(make([]float32, 1_000_000)).Add(1).Sum().Item() }))
	fmt.Println("data", nb.Try(func() { nb.Data("mine", make([][100]float32, 10_000), make([]int, 10_000)).Len() }))
	fmt.Println("small", nb.Try(func() { fmt.Println("sum", nb.Ones(100).Sum().Item()) }))
}

// handOver passes arrays that are too large for a frame there and back.
func handOver([]string) {
	x := make([]float32, 1_000_000)
	for i := range x {
		x[i] = float32(i % 7)
	}
	y := nb.Array(x).Add(1).Values()
	fmt.Println("of", len(y), "the last is", y[len(y)-1])
	t := trainer("far")
	t.Fit(1)
	fmt.Println("steps", t.Steps())
}

func smallFiles() {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 64 << 10, Max: 64 << 10}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		panic(err)
	}
}

// fullJournal trains what is too large to be written down.
func fullJournal([]string) {
	smallFiles()
	os.Setenv("METALNB_JOURNAL", "100ms")
	model := nb.Input(8, 8, 1).Flatten().Dense(200).ReLU().Dense(10)
	t := nb.NewTrainer("wide", model, nb.Config{Data: datasets.Digits().Train})
	t.Start(forever)
	for !strings.Contains(t.String(), "not written down") {
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println(t)
	for at := t.Steps(); t.Steps() == at; {
		time.Sleep(time.Millisecond)
	}
	fmt.Println("it trains on")
}
