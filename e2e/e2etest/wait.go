package e2etest

import (
	"testing"
	"time"
)

const (
	patience = 40 * time.Second
	interval = 20 * time.Millisecond
)

// Eventually waits for a condition, up to 40 s.
func Eventually(t testing.TB, what string, met func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for !met() {
		select {
		case <-deadline:
			t.Fatalf("still not true: %s", what)
		case <-tick.C:
		}
	}
}
