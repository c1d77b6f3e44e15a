package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/playground"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

type upCommand struct {
	Once        bool   `help:"Play every scene of the README, print a table and stop. The kernel chooses the ports."`
	EnvoyConfig string `default:"envoy.yaml" help:"Envoy's configuration."`
	Authz       string `placeholder:"FILE" help:"The built kinde-authz. Default: the one beside this program, or bin/kinde-authz."`
	Logs        string `placeholder:"DIR" help:"Folder of the log files and the sample settings, which each start overwrites. Default: .tools/up/PORT, with Envoy's port."`
	ownFlags
	loginFlags
	upPorts
}

// Help says what cannot be said in a flag's line.
func (upCommand) Help() string {
	return "Envoy is the one that the variable ENVOY names, or envoy on PATH (1.36 or newer), or the one that make up fetched. " +
		"Behind make up a port is a variable: make up PORT=8081 moves Envoy, make up PORT_BASE=18080 moves everything. " +
		"make up UPSTREAM=127.0.0.1:3000 CONFIG=my.yaml is --upstream and --settings. " +
		"The playground is a page on 127.0.0.1 alone: make a token, send a request through Envoy, see every step, edit the settings, break things."
}

// Run starts the stack and stays up until a signal, or plays the scenes.
func (c *upCommand) Run(stdout io.Writer, stderr errorStream) error {
	ctx, stop := untilSignal()
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	config, err := c.config()
	if err != nil {
		return err
	}
	page := playground.New(&config)
	s, err := c.start(ctx, config, stderr)
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
	url, err := page.Serve(s, self())
	if err != nil {
		return fmt.Errorf("the playground: %w", err)
	}
	defer page.Close()
	c.print(s, config.Authz, url, stdout)
	select {
	case err := <-s.Ended():
		return err
	case <-ctx.Done():
		fmt.Fprintln(stderr, "stopping …")
		return nil
	}
}

// start starts the stack and tells each step and each denial.
func (c *upCommand) start(ctx context.Context, config stack.Config, stderr io.Writer) (*stack.Stack, error) {
	if !c.Once {
		config.Decisions = io.MultiWriter(denials(stderr), config.Decisions)
		config.Progress = func(step string) { fmt.Fprintln(stderr, step, "…") }
		config.Warn = func(warning string) { fmt.Fprintln(stderr, "warning:", warning) }
	}
	s, err := stack.Start(ctx, config)
	var busy *stack.BusyError
	if errors.As(err, &busy) {
		err = c.explainBusy(busy)
	}
	return s, err
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
	config := stack.Config{Authz: authz, Envoy: envoy, EnvoyConfig: c.EnvoyConfig, Logs: c.Logs, Settings: stack.SampleIssuers + stack.SampleSettings,
		SettingsFile: c.Settings, Discoverable: c.samples(), LoginPage: c.LoginPage, ResourceIndicators: c.ResourceIndicators}
	ports := c.ports(c.Once)
	for _, p := range ports {
		*p.in(&config) = p.address()
	}
	if config.Upstream = c.Upstream; config.Upstream != "" {
		config.Agent = "" // its port need not be free: the upstream may listen there
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
