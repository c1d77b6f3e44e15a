// Package party starts what is measured, each as a process of its own, and
// reads what it uses of CPU and memory: the stock server, kinde-authz,
// OPA-Envoy and Envoy itself.
package party

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 5 * time.Second
	pollInterval = 20 * time.Millisecond
)

// Process is a running child.
type Process struct {
	// Name is what the results call it.
	Name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// start runs a program, which ends with its parent, however that ends. What
// it prints goes to a file, or, when log is empty, to nowhere.
func start(name, log, path string, args ...string) (*Process, error) {
	if log == "" {
		log = os.DevNull
	}
	out, err := os.OpenFile(filepath.Clean(log), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()                                                     // the child has its own descriptor
	p := &Process{Name: name, cmd: exec.Command(path, args...), done: make(chan struct{})} //nolint:gosec // the developer's own programs
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }() // how it ended does not matter
	return p, nil
}

// until waits for a condition, while the process lives.
func (p *Process) until(ctx context.Context, what string, met func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for !met(ctx) {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended while it started: -logs FOLDER keeps what it says", p.Name)
		case <-ctx.Done():
			return fmt.Errorf("%s did not come up (%s): -logs FOLDER keeps what it says", p.Name, what)
		case <-tick.C:
		}
	}
	return nil
}

// Stop ends the process: politely, and by force when that takes too long.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.done:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}
