package main

import (
	"context"
	"errors"
	"io"
	"net/url"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/doctor"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

type doctorCommand struct {
	Settings settings.Decision `embed:""`
	Ports    settings.Ports    `embed:""`

	Address    string `placeholder:"ADDRESS" help:"Address of the running service's gRPC port. Default: as configured for serve."`
	EnvoyAdmin string `placeholder:"URL" help:"Address of Envoy's admin port, like http://127.0.0.1:9901, to check its ext_authz filter."`
	EnvoyFile  string `name:"envoy-config" placeholder:"FILE" help:"File that Envoy was started with, to check it too: its admin port hides the names of policies."`
	MCP        string `name:"mcp" placeholder:"URL" help:"Address of an MCP server, as its clients know it, to check whether they can log in with the issuer."`
	Format     string `default:"text" enum:"text,json" help:"text or json."`
}

// Validate refuses what cannot be the address of a server.
func (c *doctorCommand) Validate() error {
	if c.MCP == "" {
		return nil
	}
	server, err := url.Parse(c.MCP)
	if err != nil || server.Scheme != "https" && server.Scheme != "http" || server.Host == "" || server.User != nil || server.Fragment != "" {
		return errors.New("--mcp: want the address that clients are given, like https://api.yourapp.com/mcp/weather")
	}
	return nil
}

// Run checks everything that can be reached, and prints what it finds. A
// failed check ends with exit code 1.
func (c *doctorCommand) Run(stdout io.Writer) error {
	s, err := (&settings.Flags{Decision: c.Settings, Ports: c.Ports}).Read()
	if err == nil {
		_, _, err = s.Build(nil)
	}
	if err != nil {
		return usageError{err}
	}
	report := doctor.Examine(context.Background(), s, doctor.Target{
		Address: c.Address, EnvoyAdmin: c.EnvoyAdmin, EnvoyFile: c.EnvoyFile, MCP: c.MCP,
	})
	write := report.WriteText
	if c.Format == "json" {
		write = report.WriteJSON
	}
	if err := write(stdout); err != nil {
		return err
	}
	if report.Failed() {
		return errRefused
	}
	return nil
}
