// Command bench measures kinde-authz against a stock ext_authz server, Envoy's
// own jwt_authn and, when it is given, OPA-Envoy: all in one run on one
// machine, in turns, and by ratios.
//
//	go run . -out ../../docs          measure, and write tables and charts
//	go run . -quick -out DIR          try that everything runs
//	go run . check OLD.json NEW.json  fail when a ratio got worse by over 15 %
//	go run . format RESULTS.json      print in the format of Go's benchmarks
//
// Two runs are compared figure by figure with benchstat, which reads the file
// bench/results.txt of each:
//
//	go run golang.org/x/perf/cmd/benchstat@latest old/results.txt new/results.txt
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/kinde-authz/kinde-authz/e2e/bench/result"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run does what the arguments say.
func run(ctx context.Context, args []string) error {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	switch command {
	case "check":
		return check(args[1:])
	case "format":
		return format(args[1:])
	default:
		o, err := parseOptions(args)
		if err != nil {
			return err
		}
		return measure(ctx, o)
	}
}

// check compares two results by their ratios.
func check(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: bench check OLD.json NEW.json")
	}
	before, err := result.Read(args[0])
	if err != nil {
		return err
	}
	after, err := result.Read(args[1])
	if err != nil {
		return err
	}
	lines, ok := result.Compare(before, after)
	for _, line := range lines {
		fmt.Println(line)
	}
	if !ok {
		return errors.New("a ratio got worse by more than 15 %")
	}
	return nil
}

// format prints a result as Go's benchmarks print theirs.
func format(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: bench format RESULTS.json")
	}
	r, err := result.Read(args[0])
	if err != nil {
		return err
	}
	_, err = os.Stdout.WriteString(r.Benchmarks())
	return err
}
