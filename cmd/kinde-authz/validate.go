package main

import (
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

type validateCommand struct {
	File string `arg:"" help:"YAML file of settings, as for --config. The environment is not looked at."`
}

// Run prints what is odd about the file. A file that serve would refuse is an
// error.
func (v *validateCommand) Run(stdout io.Writer) error {
	content, err := readFile(v.File)
	if err != nil {
		return err
	}
	f, err := parseFile(content)
	if err != nil {
		return fmt.Errorf("%s: %w", v.File, err)
	}
	flags := &flags{Config: v.File}
	if len(f.Issuers) == 0 {
		domain := "https://yourapp.kinde.com"
		flags.Domain = &domain
		fmt.Fprintf(stdout, "%s: no issuers: KINDE_DOMAIN must be set beside it\n", v.File)
	}
	settings, err := flags.check(f)
	if err != nil {
		return err
	}
	if _, _, err := settings.build(nil); err != nil {
		return fmt.Errorf("%s: %w", v.File, err)
	}
	for _, odd := range authz.Oddities(settings.policy) {
		fmt.Fprintf(stdout, "%s:%d: %s\n", v.File, line(f, odd), odd.Text)
	}
	_, err = fmt.Fprintf(stdout, "%s: fine\n", v.File)
	return err
}

// line is where in the file an oddity is.
func line(f *file, odd authz.Oddity) int {
	var node *yaml.Node
	if odd.Policy != "" {
		node = f.Policies[odd.Policy].node
	} else {
		node = f.Routes[odd.Route].node
	}
	return node.Line
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
