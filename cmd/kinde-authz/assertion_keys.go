package main

import (
	"context"
	"errors"
	"io"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

type assertionKeysCommand struct {
	Config string `env:"KINDE_AUTHZ_CONFIG" placeholder:"FILE" help:"YAML file of settings, of which assertion.key_file counts. Required."`
}

// Help is what --help says beside the flags.
func (*assertionKeysCommand) Help() string {
	return "Reads the private keys of assertion.key_file and prints the public ones as a JWK set (RFC 7517), as /jwks of the " +
		"admin port does: for upstreams that verify x-kinde-assertion by a file. The first key is the one that signs. No " +
		"private key is printed. The exit code is 2 where the settings or the keys are wrong, or there is no assertion."
}

// Run prints the public keys.
func (c *assertionKeysCommand) Run(stdout io.Writer) error {
	if c.Config == "" {
		return usageError{errors.New("KINDE_AUTHZ_CONFIG (--config) is not set: name the file of settings that has assertion")}
	}
	content, err := settings.ReadFile(context.Background(), c.Config)
	if err != nil {
		return usageError{err}
	}
	loaded, _, err := (&settings.Flags{Decision: settings.Decision{Config: c.Config}}).ParseAlone(content)
	if err != nil {
		return usageError{err}
	}
	keys, _, err := loaded.AssertionKeys(context.Background())
	switch {
	case err != nil:
		return usageError{err}
	case keys == nil:
		return usageError{errors.New(c.Config + ": there is no assertion: add assertion: {key_file: …, audience: …}")}
	}
	_, err = stdout.Write(keys.JWKS())
	return err
}
