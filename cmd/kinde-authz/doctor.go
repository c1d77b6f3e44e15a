package main

import (
	"context"
	"io"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/doctor"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

type doctorCommand struct {
	Settings settings.Decision `embed:""`
	Ports    settings.Ports    `embed:""`

	Address    string `placeholder:"ADDRESS" help:"Address of the running service's gRPC port. Default: as configured for serve."`
	EnvoyAdmin string `placeholder:"URL" help:"Address of Envoy's admin port, like http://127.0.0.1:9901, to check its ext_authz filter."`
	EnvoyFile  string `name:"envoy-config" placeholder:"FILE" help:"File that Envoy was started with, to check it too: its admin port hides the names of policies."`
	Format     string `default:"text" enum:"text,json" help:"text or json."`
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
		Address: c.Address, EnvoyAdmin: c.EnvoyAdmin, EnvoyFile: c.EnvoyFile,
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
