package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
)

// port is a listener.
type port struct{ net.Listener }

// listen takes an address: host:port, or unix:/path.
func listen(setting, address string) (*port, error) {
	network, where := "tcp", address
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, where = "unix", path
		if err := removeDeadSocket(path); err != nil {
			return nil, fmt.Errorf("%s: %w", setting, err)
		}
	}
	listener, err := net.Listen(network, where)
	switch {
	case err == nil:
		return &port{listener}, nil
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: %w", setting, err)
	default:
		return nil, usageError{fmt.Errorf("%s: %q: want host:port, :port or unix:/path: %w", setting, address, err)}
	}
}

// removeDeadSocket removes a socket that a process left behind when it was
// killed, and nothing else.
func removeDeadSocket(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return nil //nolint:nilerr // listening says better what is wrong
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return fmt.Errorf("%s is in use", path)
	}
	return os.Remove(path)
}
