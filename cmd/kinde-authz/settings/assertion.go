package settings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/assertion"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// assertionSettings say what the upstream gets signed.
type assertionSettings struct {
	KeyFile  text      `yaml:"key_file" jsonschema:"required" jsonschema_description:"Path of a PEM file with private keys in PKCS#8, Ed25519 or P-256: the first signs, all public keys are published. Read again when it changes."`
	Audience text      `yaml:"audience" jsonschema:"required,maxLength=256,pattern=^[!#-\\[\\]-~]+$" jsonschema_description:"What the upstream goes by: aud of the assertion."`
	Issuer   text      `yaml:"issuer" jsonschema:"maxLength=256,pattern=^[!#-\\[\\]-~]+$" jsonschema_description:"iss of the assertion. Default: kinde-authz."`
	Lifetime *duration `yaml:"lifetime" jsonschema_description:"How long an assertion is good, 10s to 5m, and never longer than its token. Default: 60s."`
}

// assertion is without keys: the file that holds them is read apart.
func (a *assertionSettings) assertion() *authz.Assertion {
	if a == nil {
		return nil
	}
	return &authz.Assertion{
		Audience: string(a.Audience), Issuer: cmp.Or(string(a.Issuer), "kinde-authz"), Lifetime: a.Lifetime.or(time.Minute),
	}
}

// AssertionKeyFile is the path of the file with the keys of assertions, empty where
// there are no assertions.
func (s *Settings) AssertionKeyFile() string {
	if s.file.Assertion == nil {
		return ""
	}
	return string(s.file.Assertion.KeyFile)
}

// ParseAssertionKeys returns the keys of the file's content, or the error that reading
// it gave, with the place of the setting. It says nothing of what the file holds.
func (s *Settings) ParseAssertionKeys(content []byte, err error) (*assertion.Keys, error) {
	var keys *assertion.Keys
	if err == nil {
		if keys, err = assertion.ParseKeys(content); err != nil {
			err = fmt.Errorf("%s: %w", s.AssertionKeyFile(), err)
		}
	}
	return keys, s.locate(kinde.ConfigErrorAt(err, "assertion", "key_file"))
}

// AssertionKeys reads the keys of assertions, and returns nil where there are none.
func (s *Settings) AssertionKeys(ctx context.Context) (keys *assertion.Keys, content []byte, err error) {
	path := s.AssertionKeyFile()
	if path == "" {
		return nil, nil, nil
	}
	content, err = ReadPEM(ctx, path)
	keys, err = s.ParseAssertionKeys(content, err)
	return keys, content, err
}

func checkAssertion(s *Settings) error {
	if s.file.Assertion == nil || s.file.Assertion.KeyFile != "" {
		return nil
	}
	err := errors.New("it is missing: name a PEM file with a private key, Ed25519 or P-256")
	return kinde.ConfigErrorAt(err, "assertion", "key_file")
}
