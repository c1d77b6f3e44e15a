// Package process runs programs as children of this one.
package process

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 20 * time.Second
	pollInterval = 20 * time.Millisecond
)

// Process is a running child.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  *Log
	done chan struct{} // closed when it has ended
}

// Start starts a command in a process group of its own, so that a Ctrl-C in the
// terminal reaches it through its parent alone, in the parent's order. It ends with
// its parent, however that ends. What it prints goes to the log, unless the command
// says where.
func Start(cmd *exec.Cmd, log *Log) (*Process, error) {
	p := &Process{name: filepath.Base(cmd.Path), cmd: cmd, log: log, done: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = log
	}
	if cmd.Stderr == nil {
		cmd.Stderr = log
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = cmd.Wait(); close(p.done) }() // the exit code is read from ProcessState
	return p, nil
}

// Until waits for a condition, while the process lives.
func (p *Process) Until(ctx context.Context, what string, met func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for !met() {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended while it started: %s", p.name, p.LastLines())
		case <-ctx.Done():
			return fmt.Errorf("%s did not start: waited for %s: %s", p.name, what, p.LastLines())
		case <-tick.C:
		}
	}
	return nil
}

// LastLines is the end of what the process printed.
func (p *Process) LastLines() string {
	lines := strings.Split(strings.TrimSpace(p.log.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// ID is the process's ID.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Signal sends a signal.
func (p *Process) Signal(signal syscall.Signal) error { return p.cmd.Process.Signal(signal) }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// ExitCode returns the exit code of a process that has ended, -1 when a signal ended
// it.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Stop ends the process: politely, and by force when that takes too long.
func (p *Process) Stop() {
	if p == nil {
		return
	}
	_ = p.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.done:
	case <-time.After(stopTimeout):
		p.Kill()
	}
}

// Kill ends the process by force.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL) // it may have ended
	<-p.done
}
