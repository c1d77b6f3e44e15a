// Package regular reads regular files, and waits for none of them for long.
package regular

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

const (
	// timeout bounds a read: a network file system may never answer.
	timeout = 5 * time.Second

	// maxHung bounds the reads that were given up and have not ended: each holds a
	// thread.
	maxHung = 64
)

// reading has room for each read that is under way or hangs.
var reading = make(chan struct{}, maxHung)

// Read returns the content of a regular file that has no more bytes than the
// limit. Anything else is an error: a named pipe, for example, could make its
// reader wait, or never end. So is a file that is not read within 5 s, or before
// ctx ends.
func Read(ctx context.Context, path string, limit int64) ([]byte, error) {
	return within(ctx, path, func() ([]byte, error) { return read(path, limit) })
}

// within returns what read returns, unless that takes too long.
func within(ctx context.Context, path string, read func() ([]byte, error)) ([]byte, error) {
	select {
	case reading <- struct{}{}:
	default:
		return nil, fmt.Errorf("%s: not read, as %d other reads of files hang", path, maxHung)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	type result struct {
		content []byte
		err     error
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-reading }()
		content, err := read()
		done <- result{content, err}
	}()
	select {
	case r := <-done:
		return r.content, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: not read in time: the file system does not answer: %w", path, ctx.Err())
	}
}

func read(path string, limit int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is %s: want a regular file", path, kind(info.Mode()))
	case info.Size() > limit:
		return nil, fmt.Errorf("%s has %d bytes: want at most %d", path, info.Size(), limit)
	}
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(content)) > limit { // it has grown
		return nil, fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return content, err
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeDevice != 0:
		return "a device"
	default:
		return "a socket or another special file"
	}
}
