package process

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// keptText is how much of a log is kept in memory when all of it is in a file.
const keptText = 64 << 10

// Log is what a process has printed so far: all of it, or the end of it when the
// log is written to a file.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
	file *os.File
	also io.Writer
}

// CopyTo has all that is printed from now on written there too, if that is not nil.
func (l *Log) CopyTo(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.also = w
}

// Open makes an empty file for the log, in a folder that it makes too.
func (l *Log) Open(dir, name string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file = file
	return nil
}

// Write implements [io.Writer].
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.also != nil {
		_, _ = l.also.Write(p) // a terminal that is gone stops nothing
	}
	if l.file != nil {
		_, _ = l.file.Write(p) // nor does a full disk
		if l.text.Len() > keptText {
			l.text.Next(l.text.Len() - keptText/2)
		}
	}
	return l.text.Write(p)
}

// String returns what was printed.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Path is that of the log's file, empty when there is none.
func (l *Log) Path() string {
	if l.file == nil {
		return ""
	}
	return l.file.Name()
}

// Close closes the log's file.
func (l *Log) Close() {
	if l.file != nil {
		_ = l.file.Close() // what could be written is
	}
}
