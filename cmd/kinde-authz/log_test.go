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
	synctest.Test(t, func(t *testing.T) {
		d := &disk{full: true}
		logs := newLogs(zap.NewAtomicLevel(), d)
		wait := func() {
			timer := time.NewTimer(writeEvery)
			<-timer.C
			synctest.Wait()
		}
		logs.decisions.Info("lost")
		wait()
		if _, writes := d.lines(); writes != 1 || logs.dropped.Load() != 1 {
			t.Errorf("%d writes, and %d lines are counted as dropped", writes, logs.dropped.Load())
		}
		d.mu.Lock()
		d.full = false
		d.mu.Unlock()
		logs.decisions.Info("kept")
		wait()
		logs.queue.close(time.Second)
		if got := d.text.String(); !strings.Contains(got, `"msg":"kept"`) || strings.Contains(got, "lost") ||
			!strings.Contains(got, `"msg":"log lines were dropped","lines":1}`) {
			t.Errorf("the log is %q", got)
		}
	})
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
