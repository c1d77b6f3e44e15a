package main

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// writeEvery is how long a line waits at most for others to be written with.
	writeEvery = 20 * time.Millisecond

	// writeBytes is what is written at a time at most, but for a longer line: a
	// pipe that others write to as well takes that much whole (PIPE_BUF).
	writeBytes = 4 << 10

	// maxQueued bounds what waits, and as much again is being written.
	maxQueued = 2 << 20

	// eventRoom is kept for events when decisions have filled the rest.
	eventRoom = 64 << 10
)

// lineQueue holds lines until one goroutine has written them. Adding a line
// never waits for the writer: a line that does not fit is dropped and counted,
// and so are lines that cannot be written.
type lineQueue struct {
	out    io.Writer
	report func(lines uint64) []byte // the line that tells how many were dropped

	mu      sync.Mutex // held for a copy
	waiting []byte
	untold  uint64 // lines dropped since the last report

	dropped        *atomic.Uint64
	wake           chan struct{}
	closing, ended chan struct{}
	spare          []byte // takes turns with waiting
	rest           []byte // of a line that was cut while it was written
}

func newLineQueue(out io.Writer, dropped *atomic.Uint64, report func(uint64) []byte) *lineQueue {
	q := &lineQueue{
		out: out, dropped: dropped, report: report,
		wake: make(chan struct{}, 1), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	go q.run()
	return q
}

// add takes a line unless more than room bytes would wait then, and says whether
// there is enough now for a write.
func (q *lineQueue) add(line []byte, room int) (enough bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(q.waiting)
	if before+len(line) > room {
		q.untold++
		q.dropped.Add(1)
		return false
	}
	q.waiting = append(q.waiting, line...)
	return before < writeBytes && len(q.waiting) >= writeBytes
}

func (q *lineQueue) run() {
	defer close(q.ended)
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	for {
		select {
		case <-q.wake:
		case <-tick.C:
		case <-q.closing:
			q.writeWaiting()
			return
		}
		q.writeWaiting()
	}
}

// writeWaiting writes what waits, then how many lines were dropped before.
func (q *lineQueue) writeWaiting() {
	q.mu.Lock()
	lines, untold := q.waiting, q.untold
	q.waiting, q.untold = q.spare[:0], 0
	q.mu.Unlock()
	q.spare = lines
	if failed := q.write(lines); failed > 0 {
		q.dropped.Add(failed)
		untold += failed
	} else if untold > 0 && q.write(q.report(untold)) == 0 {
		untold = 0
	}
	q.mu.Lock()
	q.untold += untold
	q.mu.Unlock()
}

// write writes lines, and returns how many it could not. A line that was cut is
// completed first when writing works again, so that it spoils no other.
func (q *lineQueue) write(lines []byte) (failed uint64) {
	if len(q.rest) > 0 {
		n, err := q.out.Write(q.rest)
		q.rest = q.rest[n:]
		if err != nil {
			return countLines(lines)
		}
	}
	for len(lines) > 0 {
		n, err := q.out.Write(lines[:wholeLines(lines)])
		if cut := n > 0 && lines[n-1] != '\n'; err != nil && cut {
			end := n + bytes.IndexByte(lines[n:], '\n') + 1
			q.rest = append(q.rest[:0], lines[n:end]...)
			n = end
		}
		lines = lines[n:]
		if err != nil {
			return countLines(lines)
		}
	}
	return 0
}

// wholeLines is how many bytes of the lines are written at a time.
func wholeLines(lines []byte) int {
	if len(lines) <= writeBytes {
		return len(lines)
	}
	if end := bytes.LastIndexByte(lines[:writeBytes], '\n'); end >= 0 {
		return end + 1
	}
	return bytes.IndexByte(lines, '\n') + 1
}

func countLines(lines []byte) uint64 {
	return uint64(bytes.Count(lines, []byte{'\n'})) //nolint:gosec // it is not negative
}

// close writes what waits, as far as the time allows: what takes the log may
// take nothing any more.
func (q *lineQueue) close(within time.Duration) {
	close(q.closing)
	select {
	case <-q.ended:
	case <-time.After(within):
	}
}

// lineWriter adds a logger's lines to the queue.
type lineWriter struct {
	queue  *lineQueue
	room   int
	atOnce bool
	mask   func(line []byte) []byte
}

// Write implements [zapcore.WriteSyncer]. It never fails: there is nowhere to
// tell.
func (w *lineWriter) Write(line []byte) (int, error) {
	if enough := w.queue.add(w.mask(line), w.room); enough || w.atOnce {
		select {
		case w.queue.wake <- struct{}{}:
		default: // it is awake
		}
	}
	return len(line), nil
}

// Sync implements [zapcore.WriteSyncer].
func (*lineWriter) Sync() error { return nil }
