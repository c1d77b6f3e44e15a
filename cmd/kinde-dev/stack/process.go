package stack

import (
	"context"
	"fmt"
	"io"
	"net/http"
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

// start runs a program in a process group of its own, so that a Ctrl-C in the
// terminal reaches it through its parent alone, in the parent's order. It ends
// with its parent, however that ends.
func start(log *Log, env []string, path string, args ...string) (*Process, error) {
	p := &Process{name: filepath.Base(path), cmd: exec.Command(path, args...), log: log, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if env != nil {
		p.cmd.Env = env
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }() // the exit code is read from ProcessState
	return p, nil
}

// until waits for a condition, while the process lives.
func (p *Process) until(ctx context.Context, what string, met func() bool) error {
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

// Signal sends a signal.
func (p *Process) Signal(signal syscall.Signal) error { return p.cmd.Process.Signal(signal) }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// ExitCode returns the exit code of a process that has ended.
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
		_ = p.Signal(syscall.SIGKILL)
		<-p.done
	}
}

// get returns the body of an answer of 200.
func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered with status %d", url, response.StatusCode)
	}
	return body, err
}
