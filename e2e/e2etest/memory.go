package e2etest

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

// PeakMemory is the most that a process has held in memory so far, in bytes (VmHWM in
// proc_pid_status(5)).
func PeakMemory(t testing.TB, p *process.Process) (bytes int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.ID()))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(text, &bytes); err != nil {
		t.Fatal(err)
	}
	return bytes << 10
}
