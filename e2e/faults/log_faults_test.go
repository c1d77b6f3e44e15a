package faults

import (
	"os"
	"testing"

	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

const dropped = "kinde_authz_log_lines_dropped_total"

// Each replaces a replica by one whose log goes where it cannot be written.
func logFaults() []fault {
	return []fault{
		{"stderr: nobody reads it", logTo(func(t *testing.T) *os.File {
			_, write := pipe(t)
			return write
		}), bound{inFlight: true}},
		{"stderr: its reader has gone", logTo(func(t *testing.T) *os.File {
			read, write := pipe(t)
			read.Close()
			return write
		}), bound{inFlight: true}},
		{"stderr: the disk is full", logTo(func(t *testing.T) *os.File {
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { full.Close() })
			return full
		}), bound{inFlight: true}},
	}
}

func pipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close(); write.Close() })
	return read, write
}

// logTo has one replica decide so often that what can be kept of its log is full, goes on
// like that, and ends with a replica whose log is written again.
func logTo(stderr func(*testing.T) *os.File) func(*testing.T, *rig, *phase) {
	return func(t *testing.T, r *rig, p *phase) {
		one := r.replicas[1]
		p.inject()
		one.Kill()
		one.start(t, stderr(t))
		r.healthy(t)
		checks := r.keepAsking(t, 2000, one)
		e2etest.Eventually(t, "log lines are dropped", func() bool { return one.metric(dropped) > 0 })
		checks.end(t)
		p.await(t, judged())
		one.Kill()
		one.start(t, nil)
	}
}
