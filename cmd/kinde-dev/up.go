package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

type upCommand struct {
	Once        bool   `help:"Play every scene of the README, print a table and stop. The kernel chooses the ports."`
	EnvoyConfig string `default:"envoy.yaml" help:"Envoy's configuration."`
	Authz       string `placeholder:"FILE" help:"The built kinde-authz. Default: the one beside this program, or bin/kinde-authz."`
	Logs        string `placeholder:"DIR" help:"Folder of the log files, which each start overwrites. Default: .tools/up/PORT, with Envoy's port."`
	loginFlags
	upPorts
}

// Help says what cannot be said in a flag's line.
func (upCommand) Help() string {
	return "Envoy is the one that the variable ENVOY names, or envoy on PATH (1.36 or newer), or the one that make up fetched. " +
		"Behind make up a port is a variable: make up PORT=8081 moves Envoy, make up PORT_BASE=18080 moves everything."
}

// Run starts the stack and stays up until a signal, or plays the scenes.
func (c *upCommand) Run(stdout io.Writer, stderr errorStream) error {
	ctx, stop := untilSignal()
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	s, err := c.start(ctx, stderr)
	if ctx.Err() != nil && !c.Once { // Ctrl-C while it was starting
		s.Stop()
		return nil
	}
	if err != nil {
		return err
	}
	defer s.Stop()
	if c.Once {
		return s.Play(ctx, stdout)
	}
	printStack(s, stdout)
	if err := waitFor(ctx, s); err != nil {
		return err
	}
	fmt.Fprintln(stderr, "stopping …")
	return nil
}

// start starts the stack and tells each step and each denial.
func (c *upCommand) start(ctx context.Context, stderr io.Writer) (*stack.Stack, error) {
	config, err := c.config()
	if err != nil {
		return nil, err
	}
	if !c.Once {
		config.Decisions = &denials{out: stderr}
		config.Progress = func(step string) { fmt.Fprintln(stderr, step, "…") }
	}
	s, err := stack.Start(ctx, config)
	var busy *stack.BusyError
	if errors.As(err, &busy) {
		err = c.explainBusy(busy)
	}
	return s, err
}

// waitFor stays until a signal. A child that ends before is an error.
func waitFor(ctx context.Context, s *stack.Stack) error {
	select {
	case <-ctx.Done():
		return nil
	case <-s.Authz.Done():
		return fmt.Errorf("kinde-authz ended, see %s:\n%s", s.AuthzLog.Path(), s.Authz.LastLines())
	case <-s.Envoy.Done():
		return fmt.Errorf("envoy ended, see %s:\n%s", s.EnvoyLog.Path(), s.Envoy.LastLines())
	}
}

func (c *upCommand) config() (stack.Config, error) {
	authz, err := c.findAuthz()
	if err != nil {
		return stack.Config{}, err
	}
	envoy, err := stack.FindEnvoy(".")
	if err != nil {
		return stack.Config{}, err
	}
	config := stack.Config{Authz: authz, Envoy: envoy, EnvoyConfig: c.EnvoyConfig, Logs: c.Logs, Settings: stack.SampleSettings,
		Discoverable: true, LoginPage: c.LoginPage, ResourceIndicators: c.ResourceIndicators}
	ports := c.ports(c.Once)
	for _, p := range ports {
		*p.in(&config) = p.address()
	}
	if config.Logs == "" && !c.Once {
		config.Logs = filepath.Join(".tools", "up", strconv.Itoa(ports[0].number))
	}
	return config, nil
}

// findAuthz looks for the built binary.
func (c *upCommand) findAuthz() (string, error) {
	if c.Authz != "" {
		return c.Authz, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	for _, path := range []string{filepath.Join(filepath.Dir(self), "kinde-authz"), filepath.Join("bin", "kinde-authz")} {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no kinde-authz: run make build, or name it with --authz")
}
