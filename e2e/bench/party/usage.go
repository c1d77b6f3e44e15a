package party

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns what the process has used so far, in user and system mode.
//
// It reads the process's CPU clock (clock_getcpuclockid(3)), which counts in
// nanoseconds and holds the threads that have ended. /proc/PID/stat counts in
// ticks of 10 ms, and the schedstat files lose threads as they end.
func (p *Process) CPU() (time.Duration, error) {
	const scheduler = 2                               // CPUCLOCK_SCHED, for a whole process
	clock := int32(^p.cmd.Process.Pid<<3 | scheduler) //nolint:gosec // process IDs have 22 bits
	var used unix.Timespec
	if err := unix.ClockGettime(clock, &used); err != nil {
		return 0, fmt.Errorf("the CPU clock of %s: %w", p.Name, err)
	}
	return time.Duration(used.Nano()), nil
}

// ThreadCPU returns what the calling thread has used so far.
func ThreadCPU() (time.Duration, error) {
	var used unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used)
	return time.Duration(used.Nano()), err
}

// Memory returns what the process has resident (VmRSS), in bytes.
func (p *Process) Memory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no VmRSS", p.Name)
}
