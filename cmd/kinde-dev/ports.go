package main

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

// upPorts are the flags that choose ports. One that is left out is nil.
type upPorts struct {
	PortBase       *int `placeholder:"N" help:"First of seven ports in a row, in the order below; 0: the kernel chooses each (make variable PORT_BASE)."`
	Port           *int `placeholder:"N" help:"Port of Envoy, 8080 by default (make variable PORT)."`
	EnvoyAdminPort *int `placeholder:"N" help:"Admin port of Envoy, 9901 by default (ENVOY_ADMIN_PORT)."`
	IssuerPort     *int `placeholder:"N" help:"Port of the issuer, 9100 by default (ISSUER_PORT)."`
	AgentPort      *int `placeholder:"N" help:"Port of the agent, 8000 by default (AGENT_PORT)."`
	AuthzPort      *int `placeholder:"N" help:"gRPC port of kinde-authz, 9191 by default (AUTHZ_PORT)."`
	AuthzAdminPort *int `placeholder:"N" help:"Admin port of kinde-authz, 9192 by default (AUTHZ_ADMIN_PORT)."`
	PlaygroundPort *int `placeholder:"N" help:"Port of the playground, 9193 by default (PLAYGROUND_PORT)."`
}

// port is what listens on one port, and the flag that moves it.
type port struct {
	service, flag string
	chosen        *int // by the flag
	number        int
	in            func(*stack.Config) *string
}

// variable is that of the Makefile.
func (p port) variable() string { return strings.ToUpper(strings.ReplaceAll(p.flag, "-", "_")) }

func (p port) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number)) }

// ports returns all ports, Envoy's first. A port's own flag wins over the base.
func (u *upPorts) ports(kernel bool) []port {
	ports := []port{
		{"Envoy", "port", u.Port, 8080, func(c *stack.Config) *string { return &c.Listener }},
		{"Envoy's admin port", "envoy-admin-port", u.EnvoyAdminPort, 9901, func(c *stack.Config) *string { return &c.EnvoyAdmin }},
		{"issuer", "issuer-port", u.IssuerPort, 9100, func(c *stack.Config) *string { return &c.Issuer }},
		{"agent", "agent-port", u.AgentPort, 8000, func(c *stack.Config) *string { return &c.Agent }},
		{"kinde-authz", "authz-port", u.AuthzPort, 9191, func(c *stack.Config) *string { return &c.AuthzGRPC }},
		{"kinde-authz's admin port", "authz-admin-port", u.AuthzAdminPort, 9192, func(c *stack.Config) *string { return &c.AuthzAdmin }},
		{"playground", "playground-port", u.PlaygroundPort, 9193, func(c *stack.Config) *string { return &c.Playground }},
	}
	for n := range ports {
		switch p := &ports[n]; {
		case p.chosen != nil:
			p.number = *p.chosen
		case u.PortBase != nil && *u.PortBase != 0:
			p.number = *u.PortBase + n
		case u.PortBase != nil || kernel:
			p.number = 0
		}
	}
	return ports
}

// Validate refuses what is no port, and one port for two.
func (u *upPorts) Validate() error {
	ports := u.ports(false)
	if last := 65536 - len(ports); u.PortBase != nil && (*u.PortBase < 0 || *u.PortBase > last) {
		return fmt.Errorf("--port-base %d: want 0 to %d", *u.PortBase, last)
	}
	for n, p := range ports {
		if p.number < 0 || p.number > 65535 {
			return fmt.Errorf("--%s %d: want 0 to 65535", p.flag, p.number)
		}
		same := slices.IndexFunc(ports[:n], func(other port) bool { return other.number == p.number })
		if same >= 0 && p.number != 0 {
			return fmt.Errorf("--%s and --%s are both %d: choose two ports", ports[same].flag, p.flag, p.number)
		}
	}
	return nil
}

// explainBusy names every busy port and what moves it.
func (c *upCommand) explainBusy(busy *stack.BusyError) error {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, p := range c.ports(c.Once) {
		if slices.Contains(busy.Addresses, p.address()) {
			fmt.Fprintf(table, "  %d\t%s\tmove it with --%s N (make up %s=N)\n", p.number, p.service, p.flag, p.variable())
		}
	}
	_ = table.Flush() // into memory
	return fmt.Errorf("ports in use by other programs:\n%sStop what listens there, or move all ports with --port-base N (make up PORT_BASE=N)", text.String())
}
