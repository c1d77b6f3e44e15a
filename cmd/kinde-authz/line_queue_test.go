package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// partly is a disk that has room for some bytes, and more later.
type partly struct {
	room int
	text bytes.Buffer
}

func (p *partly) Write(text []byte) (int, error) {
	n := min(p.room, len(text))
	p.room -= n
	p.text.Write(text[:n])
	if n < len(text) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

func told(lines uint64) []byte { return fmt.Appendf(nil, "dropped %d\n", lines) }

// Attack W4: whatever room there is, what is written are whole lines, and the
// others are counted.
func TestLinesStayWholeOnAFullDisk(t *testing.T) {
	const lines = 10
	text := strings.Repeat("a line\n", lines)
	for room := range len(text) {
		var dropped atomic.Uint64
		disk := &partly{room: room}
		q := &lineQueue{out: disk, dropped: &dropped, report: told}
		q.add([]byte(text), maxQueued)
		q.writeWaiting()
		q.add([]byte("b line\n"), maxQueued)
		q.writeWaiting()
		disk.room = 1000
		q.add([]byte("c line\n"), maxQueued)
		q.writeWaiting()
		begun := (room + len("a line\n") - 1) / len("a line\n") // lines
		if room > 0 && room%len("a line\n") == 0 {
			begun = room / len("a line\n")
		}
		want := strings.Repeat("a line\n", begun) + fmt.Sprintf("c line\ndropped %d\n", lines-begun+1)
		if got := disk.text.String(); got != want || dropped.Load() != uint64(lines-begun+1) {
			t.Fatalf("room for %d bytes: %d are counted and %q is written, want %q", room, dropped.Load(), got, want)
		}
	}
}

// stuck is a pipe that nobody reads.
type stuck struct{ read chan struct{} }

func (s stuck) Write(text []byte) (int, error) { <-s.read; return len(text), nil }

// Attack W3: a log that nobody reads takes bounded memory.
func TestLinesThatWaitAreBounded(t *testing.T) {
	var dropped atomic.Uint64
	out := stuck{make(chan struct{})}
	defer close(out.read)
	q := newLineQueue(out, &dropped, told)
	line := append(bytes.Repeat([]byte("a"), 1023), '\n')
	const lines = 3 * maxQueued / 1024
	for range lines {
		q.add(line, maxQueued-eventRoom)
	}
	if got := dropped.Load(); got < lines/3 {
		t.Errorf("%d lines of %d were dropped", got, lines)
	}
	before := dropped.Load()
	(&lineWriter{queue: q, room: maxQueued, atOnce: true, mask: mask}).Write([]byte("an event\n"))
	if dropped.Load() != before {
		t.Error("decisions have taken the room of an event")
	}
	start := time.Now()
	q.close(10 * time.Millisecond)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("closing took %s", took)
	}
}
