package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options are the flags of a run.
type options struct {
	authz, envoy, envoyConfig, opa string
	out, cache, logs               string
	window, warmUp                 time.Duration
	rounds                         int
	quick, million                 bool
	sampleAllows                   float64
	only                           []string
	tokens                         int // in the pool, and in the cache when that is full
	forged                         int // in the flood
}

// groupNames are what -only chooses from.
var groupNames = []string{"grpc", "envoy", "growth", "memory", "isolation"}

func parseOptions(args []string) (options, error) {
	o := options{tokens: 100_000, forged: 200_000}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.authz, "authz", "../../bin/kinde-authz", "path of the built kinde-authz")
	flags.StringVar(&o.envoy, "envoy", "", "path of an Envoy (scripts/envoy prints one); needed by the group envoy and by growth")
	flags.StringVar(&o.envoyConfig, "envoy-config", "../../envoy.yaml", "whose settings the Envoys get")
	flags.StringVar(&o.opa, "opa", "", "path of OPA-Envoy, to measure it too")
	flags.StringVar(&o.out, "out", "", "folder for benchmarks.md and bench/; needed")
	flags.StringVar(&o.cache, "cache", "../../.tools/bench", "folder that keeps tokens from one run to the next")
	flags.StringVar(&o.logs, "logs", "", "folder for what the processes print; by default it goes to /dev/null")
	flags.DurationVar(&o.window, "window", 5*time.Second, "how long each case is measured in each round")
	flags.DurationVar(&o.warmUp, "warm-up", 2*time.Second, "how long each case runs before its first window")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each case is measured, in turns")
	flags.Float64Var(&o.sampleAllows, "sample-allows", 1, "log.sample_allows of kinde-authz: the share of allows that it logs")
	flags.BoolVar(&o.million, "million", false, "also measure with 1,000,000 tokens, which takes ten minutes to mint the first time")
	flags.BoolVar(&o.quick, "quick", false, "one round of short windows and few tokens: shows that it runs, and no more")
	only := flags.String("only", "", "groups to measure, comma-separated, of "+strings.Join(groupNames, ", ")+"; all by default")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q: want check, format, or flags alone", flags.Arg(0))
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	if o.quick {
		o.window, o.warmUp, o.rounds = 300*time.Millisecond, 100*time.Millisecond, 1
		o.tokens, o.forged, o.million = 10_000, 10_000, false
	}
	return o, o.check()
}

func (o options) check() error {
	for _, group := range o.only {
		if !slices.Contains(groupNames, group) {
			return fmt.Errorf("-only %s: want %s", group, strings.Join(groupNames, ", "))
		}
	}
	switch {
	case o.out == "":
		return errors.New("-out is missing: the folder for the results")
	case o.envoy == "" && (o.wants("envoy") || o.wants("growth")):
		return errors.New("-envoy is missing: scripts/envoy prints the path of one")
	case o.rounds < 1 || o.window <= 0:
		return errors.New("-rounds and -window must be above 0")
	}
	return nil
}

// wants reports whether a group is to be measured.
func (o options) wants(group string) bool { return o.only == nil || slices.Contains(o.only, group) }

// notable are the flags that the figures depend on.
func (o options) notable() map[string]string {
	return map[string]string{
		"window": o.window.String(), "warm-up": o.warmUp.String(), "rounds": strconv.Itoa(o.rounds),
		"quick": strconv.FormatBool(o.quick), "million": strconv.FormatBool(o.million),
		"sample-allows": strconv.FormatFloat(o.sampleAllows, 'g', -1, 64),
		"logs":          map[bool]string{true: "/dev/null", false: "a file"}[o.logs == ""],
		"only":          strings.Join(o.only, ","),
		"tokens":        strconv.Itoa(o.tokens),
	}
}
