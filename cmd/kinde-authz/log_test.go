package main

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
)

// disk is a writer that is full at first.
type disk struct {
	mu     sync.Mutex
	full   bool
	text   bytes.Buffer
	writes int
}

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	if d.full {
		return 0, errors.New("no space left on device")
	}
	return d.text.Write(p)
}

func (d *disk) lines() (lines, writes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.text.String(), "\n"), d.writes
}

func TestDecisionsAreWrittenTogetherAndNoneIsLost(t *testing.T) {
	d := &disk{}
	logs := newLogs(zap.NewAtomicLevel(), d)
	const many = 5000
	for range many {
		logs.decisions.Info("decision")
	}
	logs.events.Warn("at once")
	if lines, _ := d.lines(); lines == 0 || !strings.Contains(d.text.String(), "at once") {
		t.Error("an event waits")
	}
	logs.flush()
	if lines, writes := d.lines(); lines != many+1 || writes > many/10 {
		t.Errorf("%d lines in %d writes", lines, writes)
	}
}

func TestDecisionsDoNotWaitLong(t *testing.T) {
	d := &disk{full: true}
	logs := newLogs(zap.NewAtomicLevel(), d)
	defer logs.flush()
	logs.decisions.Info("lost")
	written := func(wanted int) bool {
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
			if lines, writes := d.lines(); writes > 0 && lines >= wanted {
				return true
			}
		}
		return false
	}
	if !written(0) {
		t.Fatal("nothing is written")
	}
	d.mu.Lock()
	d.full = false
	d.mu.Unlock()
	logs.decisions.Info("kept")
	if !written(1) {
		t.Error("after one fault nothing is written any more")
	}
}
