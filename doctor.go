package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/metalnb/metalnb/metalcore/backend/device"
	"github.com/metalnb/metalnb/metalcore/doctor"
	"github.com/metalnb/metalnb/metalcore/wire"
)

func examine(ctx context.Context, flags *flag.FlagSet, args []string) error {
	out := flags.String("out", "", "write the report to `FILE`, too; FILE.last holds the program that was compiled last until the end")
	on := flags.String("device", "", "examine this `DEVICE` alone: "+deviceNames()+"; all but cuda when not given")
	seconds := flags.Float64("seconds", 60, "train each model for so many `SECONDS`; with --quick 5 when not given")
	quick := flags.Bool("quick", false, "a first look, on small shapes and little data")
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	given := false
	flags.Visit(func(f *flag.Flag) { given = given || f.Name == "seconds" })
	if *quick && !given {
		*seconds = 5
	}
	o := doctor.Options{Version: wire.Version, Devices: device.All(0), Device: *on, Quick: *quick,
		Train: time.Duration(*seconds * float64(time.Second))}
	w := io.Writer(os.Stdout)
	if *out != "" {
		f, err := os.Create(*out)
		if err != nil {
			return err
		}
		defer f.Close()
		w, o.Trace = io.MultiWriter(os.Stdout, f), *out+".last"
		defer os.Remove(o.Trace)
	}
	sum, err := doctor.Run(ctx, w, o)
	switch {
	case err != nil:
		return err
	case sum[doctor.Failed] > 0:
		return fmt.Errorf("%d checks failed", sum[doctor.Failed])
	case sum[doctor.NotMade] > 0:
		return errors.New("interrupted before all checks were made")
	}
	return nil
}
