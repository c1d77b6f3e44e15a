// Package regular reads regular files, and nothing that could make its reader wait.
package regular

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Read returns the content of a regular file that has no more bytes than the
// limit. Anything else is an error: a named pipe, for example, could make its
// reader wait, or never end.
func Read(path string, limit int64) ([]byte, error) {
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
