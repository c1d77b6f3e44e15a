// Command bench measures what kinde-authz costs beside a stock ext_authz server
// and beside Envoy's own jwt_authn, in turns on one machine: the ratios are the
// result, more than the figures.
//
//	go run . -envoy ENVOY -out ../../docs  measure, and write table and charts
//	go run . -quick -only grpc -out DIR    try that it runs
//	go run . check OLD.json NEW.json       fail when a ratio got worse by over 15 %
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 3 && args[0] == "check" {
		return check(args[1], args[2])
	}
	o := options{distinct: 100_000}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.envoy, "envoy", "", "path of an Envoy (scripts/envoy prints one)")
	flags.StringVar(&o.authz, "authz", "../../bin/kinde-authz", "path of the built kinde-authz")
	flags.StringVar(&o.out, "out", "", "folder for benchmarks.md and bench/")
	flags.StringVar(&o.logs, "logs", os.DevNull, "file for what the processes print")
	flags.StringVar(&o.only, "only", "", "measure this alone: grpc, envoy or tokens")
	flags.DurationVar(&o.window, "window", 2*time.Second, "how long each case is measured in each round")
	flags.DurationVar(&o.warmUp, "warm-up", time.Second, "how long each case runs before its first window")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each case is measured")
	flags.BoolVar(&o.quick, "quick", false, "a round of short windows and few tokens: shows that it runs, and no more")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.quick {
		o.window, o.warmUp, o.rounds, o.distinct = 200*time.Millisecond, 100*time.Millisecond, 1, 2000
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q: want flags, or check OLD.json NEW.json", flags.Arg(0))
	case o.out == "":
		return errors.New("-out is missing: the folder for the results")
	case o.envoy == "" && o.wants("envoy"):
		return errors.New("-envoy is missing: scripts/envoy prints the path of one")
	}
	return measureAll(o)
}

// check compares two results by their ratios.
func check(before, after string) error {
	was, err := readResult(before)
	if err != nil {
		return err
	}
	is, err := readResult(after)
	if err != nil {
		return err
	}
	lines, ok := compare(was.Ratios, is.Ratios)
	for _, line := range lines {
		fmt.Println(line)
	}
	if !ok {
		return errors.New("a ratio got worse by over 15 %, or there was none to compare")
	}
	return nil
}
