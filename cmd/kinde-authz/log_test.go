package main

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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
	logs.queue.close(20 * time.Second)
	if lines, writes := d.lines(); lines != many+1 || writes > many/10 {
		t.Errorf("%d lines in %d writes", lines, writes)
	}
}

func TestDecisionsDoNotWaitLong(t *testing.T) {
	d := &disk{full: true}
	logs := newLogs(zap.NewAtomicLevel(), d)
	defer logs.queue.close(20 * time.Second)
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

func TestEventsDoNotWaitAndTakeDecisionsAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		logs := newLogs(zap.NewAtomicLevel(), d)
		logs.decisions.Info("decision")
		synctest.Wait()
		if lines, _ := d.lines(); lines != 0 {
			t.Error("a decision does not wait for others")
		}
		logs.events.Warn("event")
		synctest.Wait()
		if lines, _ := d.lines(); lines != 2 {
			t.Errorf("%d lines are written, want 2", lines)
		}
		logs.queue.close(time.Second)
	})
}
