package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/probe"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// healthTimeout is how long the service has to answer.
const healthTimeout = 3 * time.Second

type healthCommand struct {
	Port settings.AdminPort `embed:""`
}

// Help is what --help says beside the flags.
func (*healthCommand) Help() string {
	return "Asks /readyz at the admin port of the service on this machine and prints one line: what was asked and what " +
		"came back. The exit code is 0 when it is ready, else 1. It is for readiness, such as a health check of Docker " +
		"Compose, and not for liveness: a service whose issuer cannot be reached yet is not ready, and a restart would " +
		"not change that."
}

// Run asks once. A service that is not ready ends with exit code 1.
func (c *healthCommand) Run(stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	address, err := c.Port.Address(ctx)
	if err != nil {
		return usageError{err}
	}
	address = probe.Reachable(address)
	ready, answer, err := probe.Ready(ctx, address)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		answer = fmt.Sprintf("no answer in %s", healthTimeout)
	case err != nil:
		answer = err.Error()
	}
	if _, err := fmt.Fprintf(stdout, "GET /readyz at %s: %s\n", address, answer); err != nil {
		return err
	}
	if !ready {
		return errRefused
	}
	return nil
}
