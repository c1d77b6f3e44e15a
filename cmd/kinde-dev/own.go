package main

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
)

// ownFlags put what is the developer's own in the place of the samples.
type ownFlags struct {
	Upstream string `placeholder:"HOST:PORT" help:"Your own service, which runs already: Envoy sends requests there, and no sample agent is started (make variable UPSTREAM)."`
	Settings string `placeholder:"FILE" help:"Your own settings for kinde-authz, which reads the file again when it changes. Only Save in the playground writes it. It must name the local issuer (make variable CONFIG)."`
}

// samples reports whether nothing is the developer's own.
func (o *ownFlags) samples() bool { return o.Upstream == "" && o.Settings == "" }

// host is a name or an address, without a zone.
var host = regexp.MustCompile(`^[A-Za-z0-9._:-]+$`)

// check refuses what Envoy or kinde-authz could not use.
func (o *ownFlags) check() error {
	if o.Upstream != "" {
		name, port, err := net.SplitHostPort(o.Upstream)
		number, notNumber := strconv.Atoi(port)
		if err != nil || notNumber != nil || number < 1 || number > 65535 || !host.MatchString(name) {
			return fmt.Errorf("--upstream %q: want HOST:PORT, like 127.0.0.1:3000", o.Upstream)
		}
	}
	if o.Settings == "" {
		return nil
	}
	info, err := os.Stat(o.Settings)
	if err != nil {
		return fmt.Errorf("--settings: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("--settings %s: want a YAML file, not a folder or a device", o.Settings)
	}
	return nil
}

// Validate refuses flags that do not go together, beside what is wrong with each.
func (c *upCommand) Validate() error {
	if err := c.upPorts.Validate(); err != nil {
		return err
	}
	for _, flag := range []struct{ name, value string }{{"upstream", c.Upstream}, {"settings", c.Settings}} {
		if c.Once && flag.value != "" {
			return fmt.Errorf("--once plays the scenes of the README, which need the sample agent and its settings: leave out --%s", flag.name)
		}
	}
	if c.Upstream != "" && c.AgentPort != nil {
		return fmt.Errorf("--agent-port is that of the sample agent, which --upstream takes the place of: leave one of them out")
	}
	return c.check()
}
