package tracing

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestFaultsAreToldOnceAMinute(t *testing.T) {
	core, seen := observer.New(zap.InfoLevel)
	now := time.Unix(1_700_000_000, 0)
	f := &faults{log: zap.New(core), now: func() time.Time { return now }}
	for range 100 {
		f.lost(5, errors.New("hunter2"))
		now = now.Add(time.Second)
	}
	lines := seen.TakeAll()
	if len(lines) != 2 {
		t.Fatalf("%d lines, want 2", len(lines))
	}
	for i, spans := range []int64{5, 300} {
		fields := lines[i].ContextMap()
		if fields["spans"] != spans || fields["error"] != "it is not told, since the message might hold a secret" {
			t.Errorf("line %d: %v", i, fields)
		}
	}
}
