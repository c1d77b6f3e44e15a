package stack

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// BusyError names every address of a [Config] that something else listens on.
type BusyError struct{ Addresses []string }

// Error implements error.
func (e *BusyError) Error() string { return "already in use: " + strings.Join(e.Addresses, ", ") }

// checkFree looks at all addresses before anything is started.
func (c *Config) checkFree() error {
	var busy []string
	for _, address := range []string{c.Listener, c.EnvoyAdmin, c.Issuer, c.Agent, c.AuthzGRPC, c.AuthzAdmin, c.Playground} {
		switch err := checkFree(address); {
		case errors.Is(err, syscall.EADDRINUSE):
			busy = append(busy, address)
		case err != nil:
			return err
		}
	}
	if len(busy) > 0 {
		return &BusyError{busy}
	}
	return nil
}

func checkFree(address string) error {
	host, port, err := net.SplitHostPort(orAny(address))
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	if err := listener.Close(); err != nil || port == "0" {
		return err
	}
	// Who asks for localhost may be sent here first.
	listener, err = net.Listen("tcp", net.JoinHostPort("::1", port))
	if err == nil {
		return listener.Close()
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	return nil // a machine without IPv6
}

func orAny(address string) string {
	if address == "" {
		return "127.0.0.1:0"
	}
	return address
}
