package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

type validateCommand struct {
	File   string `arg:"" help:"YAML file of settings, as for --config. The environment is not looked at."`
	Strict bool   `help:"Exit with 1 when there is a warning."`
}

// Run prints the warnings about the file and sums it up. A file that serve would
// refuse is an error.
func (v *validateCommand) Run(stdout io.Writer) error {
	settings, err := v.settings(stdout)
	if err != nil {
		return err
	}
	for _, w := range settings.warnings {
		fmt.Fprintf(stdout, "%s: warning: %s\n", w.place, w.text)
	}
	last := "valid: " + settings.summary()
	if len(settings.warnings) > 0 {
		last += "; " + counted(len(settings.warnings), "warning", "warnings")
	}
	if _, err = fmt.Fprintln(stdout, last); err != nil {
		return err
	}
	if v.Strict && len(settings.warnings) > 0 {
		return fmt.Errorf("%s: %s, and --strict allows none", v.File, counted(len(settings.warnings), "warning", "warnings"))
	}
	return nil
}

// settings are those of the file. One without issuers is checked with one, as
// serve takes it from the environment.
func (v *validateCommand) settings(stdout io.Writer) (*settings, error) {
	content, err := readFile(v.File)
	if err != nil {
		return nil, err
	}
	f, err := parseFile(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.File, err)
	}
	flags := &flags{decisionFlags: decisionFlags{Config: v.File}}
	if len(f.Issuers) == 0 {
		domain := "https://yourapp.kinde.com"
		flags.Domain = &domain
		fmt.Fprintf(stdout, "%s: no issuers: serve needs KINDE_DOMAIN too\n", v.File)
	}
	settings, err := flags.check(f)
	if err != nil {
		return nil, err
	}
	if _, _, err := settings.build(nil); err != nil {
		return nil, fmt.Errorf("%s: %w", v.File, err)
	}
	return settings, nil
}

// build makes what decides. With a previous verifier, issuers that stay keep
// their keys.
func (s *settings) build(previous *kinde.Verifier) (*kinde.Verifier, *authz.Authorizer, error) {
	verifier, err := s.newVerifier(previous)
	if err != nil {
		return nil, nil, err
	}
	policy := s.policy
	policy.Verifier = verifier
	authorizer, err := authz.NewAuthorizer(policy)
	return verifier, authorizer, err
}

func (s *settings) newVerifier(previous *kinde.Verifier) (*kinde.Verifier, error) {
	if len(s.verifier.Issuers) == 0 {
		return nil, errors.New("no issuer")
	}
	if previous == nil {
		return kinde.NewVerifier(s.verifier)
	}
	return previous.Reconfigured(s.verifier)
}
