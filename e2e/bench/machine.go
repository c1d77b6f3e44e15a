package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"google.golang.org/grpc"

	"github.com/kinde-authz/kinde-authz/e2e/bench/party"
	"github.com/kinde-authz/kinde-authz/e2e/bench/result"
)

// describe notes what the run is made on and with. No Envoy, no version.
func describe(ctx context.Context, envoy string) (result.Machine, error) {
	m := result.Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), GRPC: grpc.Version, CPU: "unknown", Envoy: "none"}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = cpuModel(string(text))
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(text))
	}
	if envoy == "" {
		return m, nil
	}
	var err error
	m.Envoy, err = party.EnvoyVersion(ctx, envoy)
	return m, err
}

// cpuModel finds the model in /proc/cpuinfo; arm64 does not tell it.
func cpuModel(info string) string {
	for line := range strings.Lines(info) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// commit names what is measured: the commit, and whether something was changed
// after it but the docs, which a run writes.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return fmt.Sprintf("unknown (%v)", err)
	}
	name := strings.TrimSpace(string(out))
	if exec.CommandContext(ctx, "git", "diff", "--quiet", "HEAD", "--", ":(top)", ":(top,exclude)docs").Run() != nil {
		name += "-dirty"
	}
	return name
}
