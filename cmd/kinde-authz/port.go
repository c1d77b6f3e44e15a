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
type port struct {
	net.Listener
	file os.FileInfo // of a Unix socket, nil for TCP
}

// Close stops listening, and removes the socket, unless another process has put its
// own in the place.
func (p *port) Close() error {
	err := p.Listener.Close()
	if p.file == nil {
		return err
	}
	path := p.Addr().String()
	if now, statErr := os.Lstat(path); statErr == nil && os.SameFile(now, p.file) {
		_ = os.Remove(path) // one that stays is dead, and the next start removes it
	}
	return err
}

// listen takes an address: host:port, or unix:/path.
func listen(setting, address string) (*port, error) {
	network, where := "tcp", address
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, where = "unix", path
		if err := checkSocketPath(path); err != nil {
			return nil, usageError{fmt.Errorf("%s: %q: %w", setting, address, err)}
		}
		if err := removeDeadSocket(path); err != nil {
			return nil, fmt.Errorf("%s: %w", setting, err)
		}
	}
	listener, err := net.Listen(network, where)
	switch {
	case err == nil:
		return newPort(listener)
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: %w", setting, err)
	default:
		return nil, usageError{fmt.Errorf("%s: %q: want host:port, :port or unix:/path: %w", setting, address, err)}
	}
}

func newPort(listener net.Listener) (*port, error) {
	socket, isUnix := listener.(*net.UnixListener)
	if !isUnix {
		return &port{Listener: listener}, nil
	}
	socket.SetUnlinkOnClose(false)
	file, err := os.Lstat(socket.Addr().String())
	if err != nil {
		socket.Close()
		return nil, err
	}
	return &port{listener, file}, nil
}

// checkSocketPath refuses sockets without a file, which would be open to every
// process of the machine, and under a random name if it is empty.
func checkSocketPath(path string) error {
	info, err := os.Lstat(path)
	switch {
	case path == "":
		return errors.New("the path is missing: want unix:/path")
	case path[0] == '@' || path[0] == 0:
		return errors.New("an abstract socket has no permissions: want unix:/path")
	case err == nil && info.Mode()&fs.ModeSocket == 0:
		return errors.New("it exists and is not a socket: want a path that is free")
	}
	return nil
}

// removeDeadSocket removes a socket that a process left behind when it was
// killed, and nothing else: only a refused connection shows that nobody listens.
func removeDeadSocket(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return nil //nolint:nilerr // listening says better what is wrong
	}
	conn, err := net.Dial("unix", path)
	switch {
	case err == nil:
		conn.Close()
		return fmt.Errorf("%s is in use", path)
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	default:
		return fmt.Errorf("%s exists, and whether it is in use cannot be told: %w", path, err)
	}
}
