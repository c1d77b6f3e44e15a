package stack

import (
	"cmp"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
)

const (
	// issuerURL stands for the issuer in settings.
	issuerURL = "ISSUER_URL"
	// assertionKey stands for the path of a key of assertions in settings.
	assertionKey = "ASSERTION_KEY"
	// agentAudience is the audience of assertions for the agent, in issuers.yaml.
	agentAudience = "http://agent.localhost"
)

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
		if public, err = writeKey(path); err != nil {
			return nil, err
		}
		text = strings.ReplaceAll(text, assertionKey, path)
	}
	return public, os.WriteFile(s.Settings, []byte(text), 0o600)
}

// ReplaceSettings writes the file of settings anew, at once: one that is written in place
// can be read half.
func (s *Stack) ReplaceSettings(text []byte) error {
	next := s.Settings + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, s.Settings)
}

// writeKey writes a new private key, and returns the public one.
func writeKey(path string) (crypto.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
	return public, os.WriteFile(path, text, 0o600)
}
