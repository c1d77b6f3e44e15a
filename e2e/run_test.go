package e2e

import (
	"bytes"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

// run starts a program, which is killed at the end of the test.
func run(t *testing.T, command *exec.Cmd, log *process.Log) *process.Process {
	t.Helper()
	p, err := process.Start(command, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// until waits for a condition, while the process lives.
func until(t *testing.T, p *process.Process, what string, met func() bool) {
	t.Helper()
	if err := p.Until(t.Context(), what, met); err != nil {
		t.Fatal(err)
	}
}

// ends wants a process to end with that exit code, in time.
func ends(t *testing.T, p *process.Process, code int, within time.Duration) {
	t.Helper()
	select {
	case <-p.Done():
		if got := p.ExitCode(); got != code {
			t.Errorf("exit code %d, want %d: %s", got, code, p.LastLines())
		}
	case <-time.After(within):
		t.Errorf("it has not ended after %s", within)
	}
}

// output runs a program to its end, and returns its exit code and what it printed.
func output(t *testing.T, command *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, faults bytes.Buffer
	command.Stdout, command.Stderr = &out, &faults
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", command, err)
	}
	return command.ProcessState.ExitCode(), out.String(), faults.String()
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	e2etest.Eventually(t, what, met)
}

// freePort returns a port that was free a moment ago, for programs that are told theirs
// before they start.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// portOf is the port of an address or a URL.
func portOf(address string) string { return address[strings.LastIndex(address, ":")+1:] }
