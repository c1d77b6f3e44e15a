package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/kinde-authz/kinde-authz/e2e/bench/party"
	"github.com/kinde-authz/kinde-authz/e2e/bench/result"
	"github.com/kinde-authz/kinde-authz/e2e/bench/token"
)

// bench is one run.
type bench struct {
	options
	house  party.House
	pool   *token.Pool
	jwks   string // path of the JWK set
	stock  string // path of the built stock server
	result *result.Result
}

// measure measures all groups that are wanted and writes what they gave.
func measure(ctx context.Context, o options) error {
	// The harness shares the machine: it collects its garbage less often.
	debug.SetGCPercent(400)
	dir, err := os.MkdirTemp("", "kinde-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a leftover in the temporary folder
	b := &bench{options: o, house: party.House{Dir: dir, Logs: o.logs}}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	for _, group := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"grpc", b.grpc}, {"envoy", b.behindEnvoy}, {"growth", b.growth}, {"memory", b.memory}, {"isolation", b.isolation},
	} {
		if !b.wants(group.name) {
			continue
		}
		b.say("group %s", group.name)
		if err := group.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", group.name, err)
		}
	}
	b.result.Judge()
	return b.result.WriteAll(b.out)
}

// prepare mints tokens, builds the stock server and notes what it all runs on.
func (b *bench) prepare(ctx context.Context) error {
	if b.logs != "" {
		if err := os.MkdirAll(b.logs, 0o750); err != nil {
			return err
		}
	}
	machine, err := describe(ctx, b.envoy)
	if err != nil {
		return err
	}
	b.result = &result.Result{Machine: machine, Commit: commit(ctx), Date: time.Now().UTC().Truncate(time.Second), Flags: b.notable()}
	if b.pool, err = token.Open(b.cache); err != nil {
		return err
	}
	if err := b.mint(b.tokens); err != nil {
		return err
	}
	b.jwks = filepath.Join(b.house.Dir, "jwks.json")
	if err := os.WriteFile(b.jwks, []byte(b.pool.JWKS()), 0o600); err != nil {
		return err
	}
	b.stock = filepath.Join(b.house.Dir, "stock")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.stock, "./stock") //nolint:gosec // a path of its own
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the stock server: %w: %s", err, out)
	}
	return nil
}

// mint sees to it that there are n tokens.
func (b *bench) mint(n int) error {
	return b.pool.Grow(n, func(have int) { b.say("minted %d of %d tokens", have, n) })
}

// say tells the progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}
