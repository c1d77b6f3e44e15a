package main

import (
	"context"
	"fmt"
	"io"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

type validateCommand struct {
	File   string `arg:"" help:"YAML file of settings, as for --config. The environment is not looked at."`
	Strict bool   `help:"Exit with 1 when there is a warning."`
}

// Run prints the warnings about the file and sums it up. A file that serve would
// refuse is an error.
func (v *validateCommand) Run(stdout io.Writer) error {
	content, err := settings.ReadFile(context.Background(), v.File)
	if err != nil {
		return err
	}
	loaded, standIn, err := (&settings.Flags{Decision: settings.Decision{Config: v.File}}).ParseAlone(content)
	if err != nil {
		return err
	}
	if standIn {
		fmt.Fprintf(stdout, "%s: no issuers: serve needs KINDE_DOMAIN too\n", v.File)
	}
	if _, _, err := loaded.Build(nil); err != nil {
		return err
	}
	warnings := loaded.Warnings()
	for _, w := range warnings {
		fmt.Fprintf(stdout, "%s: warning: %s\n", w.Place, w.Text)
	}
	last, found := "valid: "+loaded.Summary(), settings.Counted(len(warnings), "warning", "warnings")
	if len(warnings) > 0 {
		last += "; " + found
	}
	if _, err = fmt.Fprintln(stdout, last); err != nil {
		return err
	}
	if v.Strict && len(warnings) > 0 {
		return fmt.Errorf("%s: %s, and --strict allows none", v.File, found)
	}
	return nil
}
