package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is something that runs and whose use of the machine can be read.
type process struct {
	pid  int
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// start starts a program, which ends with the harness, however that ends.
func (b *bench) start(env []string, path string, args ...string) (*process, error) {
	out, err := os.OpenFile(filepath.Clean(b.logs), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the child has its own descriptor
	cmd := exec.Command(path, args...) //nolint:gosec // the developer's own programs
	cmd.Stdout, cmd.Stderr, cmd.Env = out, out, append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd.Process.Pid, cmd, make(chan struct{})}
	b.running = append(b.running, p)
	go func() { _ = cmd.Wait(); close(p.done) }() // how it ended does not matter
	return p, nil
}

// stopAll ends what was started, at once: nothing that it would finish is of use.
func (b *bench) stopAll() {
	for _, p := range b.running {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.done
	}
	b.running = nil
}

// until waits until a try succeeds.
func (p *process) until(try func() error) error {
	tick, late := time.NewTicker(20*time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: -logs FILE keeps what it prints", p.cmd.Path)
		case <-late:
			return fmt.Errorf("%s is not ready: %w: -logs FILE keeps what it prints", p.cmd.Path, err)
		case <-tick.C:
		}
	}
}

// usage is what a process has used of the CPU so far, in user and system mode, and
// what it has resident (VmRSS), in MiB.
type usage struct {
	cpu    time.Duration
	memory float64
}

// usage reads it; of no process it is zero. The CPU is read from the process's clock
// (clock_getcpuclockid(3)), which counts in nanoseconds: /proc/PID/stat counts in 10 ms.
func (p *process) usage() (u usage, err error) {
	if p == nil {
		return u, nil
	}
	const scheduler = 2                   // CPUCLOCK_SCHED, for a whole process
	clock := int32(^p.pid<<3 | scheduler) //nolint:gosec // process IDs have 22 bits
	var used unix.Timespec
	if err := unix.ClockGettime(clock, &used); err != nil {
		return u, fmt.Errorf("the CPU clock of process %d: %w", p.pid, err)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		return u, err
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	u.cpu = time.Duration(used.Nano())
	u.memory, err = strconv.ParseFloat(kib, 64)
	u.memory /= 1024
	return u, err
}

// file writes a file of its own for a program, and returns its path: kinde-authz reads its
// settings again when they change.
func (b *bench) file(name, text string) (string, error) {
	f, err := os.CreateTemp(b.dir, "*-"+name)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	return f.Name(), errors.Join(err, f.Close())
}

// freeAddress returns a loopback address that nothing listens on.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
