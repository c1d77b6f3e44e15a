package stack

import (
	"cmp"
	"crypto"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
)

const (
	// issuerURL stands for the issuer in settings.
	issuerURL = "ISSUER_URL"
	// assertionKey stands for the path of a key of assertions in settings.
	assertionKey = "ASSERTION_KEY"
	// agentAudience is the audience of assertions for the agent, in issuers.yaml.
	agentAudience = "http://agent.localhost"
)

// useSettings has kinde-authz read the file that is there, or one that it writes. It
// returns the public key of assertions that the agent has to ask for, if any.
func (s *Stack) useSettings(config *Config) (crypto.PublicKey, error) {
	var key crypto.PublicKey
	if s.Settings = config.SettingsFile; s.Settings == "" {
		var err error
		if key, err = s.writeSettings(config); err != nil || s.Settings == "" {
			return nil, err
		}
	}
	read, err := readSettings(s.Settings)
	if err != nil {
		return nil, err
	}
	if read == nil {
		return key, nil
	}
	s.AssertionAudience = read.Assertion.Audience
	if config.SettingsFile == "" {
		return key, nil
	}
	s.foreign = !read.names(s.Issuer.URL)
	for _, warning := range read.missing(s.Issuer.URL) {
		config.warn(s.Settings + ": " + warning)
	}
	return key, nil
}

// writeSettings writes the file of settings, if there is to be one, and the key of its
// assertions, if it names one. It returns the public key.
func (s *Stack) writeSettings(config *Config) (crypto.PublicKey, error) {
	if config.Settings == "" {
		return nil, nil //nolint:nilnil // without a file there is no key
	}
	dir := cmp.Or(config.Logs, s.dir)
	s.Settings = filepath.Join(dir, "kinde-authz.yaml")
	var public crypto.PublicKey
	text := strings.ReplaceAll(config.Settings, issuerURL, s.Issuer.URL)
	if strings.Contains(text, assertionKey) {
		path, err := filepath.Abs(filepath.Join(dir, "assertion-key.pem"))
		if err != nil {
			return nil, err
		}
		private, key, err := agent.NewKey()
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, private, 0o600); err != nil {
			return nil, err
		}
		public = key
		text = strings.ReplaceAll(text, assertionKey, path)
	}
	return public, os.WriteFile(s.Settings, []byte(text), 0o600)
}

// ReplaceSettings writes the file of settings anew, at once: one that is written in place
// can be read half. It keeps its mode, and a link to it stays one.
func (s *Stack) ReplaceSettings(text []byte) error {
	path, err := filepath.EvalSymlinks(s.Settings)
	if err != nil {
		return err
	}
	before, err := os.Stat(path)
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(next.Name()) // it has gone when all went well
	_, err = next.Write(text)
	if err := errors.Join(err, next.Chmod(before.Mode().Perm()), next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), path)
}
