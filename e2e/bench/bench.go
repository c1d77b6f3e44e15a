package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"time"
)

// options are the flags of a run.
type options struct {
	envoy, authz, out, logs, only string
	window, warmUp                time.Duration
	rounds, distinct              int // windows of each case; tokens
	quick                         bool
}

func (o options) wants(group string) bool { return o.only == "" || o.only == group }

// bench is one run.
type bench struct {
	options
	dir     string // takes the files of what is measured
	tokens  *tokens
	stock   string // path of the built stock server
	running []*process
	result  *result
}

// work is a case: what is loaded, and whose CPU and memory that takes.
type work struct {
	group, name    string
	service, envoy *process // each may be nil
	load           func(time.Duration) (sample, error)
}

// measureAll measures what is wanted, and writes what it gave.
func measureAll(o options) error {
	debug.SetGCPercent(400) // the harness shares the machine with what is measured
	dir, err := os.MkdirTemp("", "kinde-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a leftover in the temporary folder
	b := &bench{options: o, dir: dir, stock: filepath.Join(dir, "stock"), result: &result{
		Machine: describe(o.envoy), Commit: commit(),
		Date:   time.Now().UTC().Truncate(time.Second),
		Window: o.window.String(), Rounds: o.rounds, Quick: o.quick,
	}}
	build := exec.Command("go", "build", "-trimpath", "-o", b.stock, "./stock") //nolint:gosec // a path of its own
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the stock server: %w: %s", err, out)
	}
	say("minting %d tokens", o.distinct)
	b.tokens = mint(o.distinct)
	for _, group := range []struct {
		name    string
		measure func() error
	}{{"grpc", b.overGRPC}, {"envoy", b.throughEnvoy}, {"tokens", b.withTokens}} {
		if !b.wants(group.name) {
			continue
		}
		say("group %s", group.name)
		err := group.measure()
		b.stopAll()
		if err != nil {
			return err
		}
	}
	b.result.Ratios = b.result.ratios()
	return b.result.write(o.out, o.only == "")
}

// inTurns measures each once, then each once more, so that what else the
// machine does hits all alike.
func (b *bench) inTurns(works []work) error {
	for round := range b.rounds {
		warmUp := b.warmUp
		if round > 0 {
			warmUp = b.window / 10
		}
		for _, w := range works {
			if err := b.measure(w, warmUp); err != nil {
				return fmt.Errorf("%s, %s: %w", w.group, w.name, err)
			}
		}
		say("  round %d of %d", round+1, b.rounds)
	}
	return nil
}

// measure warms a case up, measures one window and notes the figures.
func (b *bench) measure(w work, warmUp time.Duration) error {
	if _, err := w.load(warmUp); err != nil {
		return err
	}
	service, envoy, err := w.usage()
	if err != nil {
		return err
	}
	s, err := w.load(b.window)
	if err != nil {
		return err
	}
	serviceAfter, envoyAfter, err := w.usage()
	if err != nil {
		return err
	}
	r, requests := b.result.add(w.group, w.name), float64(len(s.latencies))
	if w.service != nil {
		r.ServiceCPU = append(r.ServiceCPU, micros(serviceAfter.cpu-service.cpu)/requests)
		if w.name != caseRSA { // which the harness is
			r.Memory = append(r.Memory, serviceAfter.memory)
		}
	}
	if w.envoy != nil {
		r.EnvoyCPU = append(r.EnvoyCPU, micros(envoyAfter.cpu-envoy.cpu)/requests)
	}
	r.Rate = append(r.Rate, requests/s.took.Seconds())
	r.P50 = append(r.P50, micros(s.percentile(50))/1000)
	r.P99 = append(r.P99, micros(s.percentile(99))/1000)
	return nil
}

func (w work) usage() (service, envoy usage, err error) {
	if service, err = w.service.usage(); err != nil {
		return service, envoy, err
	}
	envoy, err = w.envoy.usage()
	return service, envoy, err
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// say tells the progress.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}
