package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// serveCommand is the serve command with its settings. Pointers tell a setting
// that is empty, which is an error, from one that is not there.
type serveCommand struct {
	Domain      *string       `env:"KINDE_DOMAIN" placeholder:"URL" help:"Issuer, like https://yourapp.kinde.com. Required."`
	Audience    *string       `env:"KINDE_AUDIENCE" placeholder:"API,…" help:"Audiences, comma-separated; a token must name one of them. Unset: not checked."`
	AllowedOrgs *string       `env:"KINDE_ALLOWED_ORGS" placeholder:"ORG,…" help:"Organization codes, comma-separated; a token must have one of them. Unset: any organization, or none."`
	Listen      string        `env:"KINDE_AUTHZ_LISTEN" default:":9191" help:"Address of the gRPC port, or unix:/path."`
	AdminListen string        `env:"KINDE_AUTHZ_ADMIN_LISTEN" default:":9192" help:"Address of the HTTP port for /healthz and /readyz."`
	DrainDelay  time.Duration `env:"KINDE_AUTHZ_DRAIN_DELAY" default:"10s" help:"How long to go on serving after SIGTERM while reporting NOT_SERVING."`
	LogLevel    string        `env:"KINDE_AUTHZ_LOG_LEVEL" default:"info" help:"debug, info, warn or error."`

	InsecureHTTP bool   `name:"insecure-http" env:"KINDE_AUTHZ_INSECURE_HTTP" help:"Allow an http:// issuer. For local stacks and tests only."`
	TLSCert      string `name:"tls-cert" env:"KINDE_AUTHZ_TLS_CERT" placeholder:"FILE" help:"Certificate of the gRPC port, PEM. Unset: no TLS."`
	TLSKey       string `name:"tls-key" env:"KINDE_AUTHZ_TLS_KEY" placeholder:"FILE" help:"Key of the certificate, PEM."`
	TLSClientCA  string `name:"tls-client-ca" env:"KINDE_AUTHZ_TLS_CLIENT_CA" placeholder:"FILE" help:"Authorities, PEM; a client must show a certificate of one of them."`
}

// settings is what serve works with, checked.
type settings struct {
	issuer      kinde.Issuer
	allowedOrgs []string
	level       zapcore.Level
}

// check refuses settings that cannot be meant, above all a check that is
// configured but empty: it would read as a check and be none.
func (c *serveCommand) check() (settings, error) {
	var s settings
	if c.Domain == nil || *c.Domain == "" {
		return s, errors.New("KINDE_DOMAIN (--domain) is required: the issuer, like https://yourapp.kinde.com")
	}
	domain, err := kinde.ParseDomain(*c.Domain, c.InsecureHTTP)
	if err != nil {
		return s, fmt.Errorf("KINDE_DOMAIN (--domain): %w; KINDE_AUTHZ_INSECURE_HTTP=true allows http:// for local stacks", err)
	}
	s.issuer.Domain = domain.String()
	if s.issuer.Audience, err = list("KINDE_AUDIENCE (--audience)", c.Audience, "https://api.yourapp.com"); err != nil {
		return s, err
	}
	if s.allowedOrgs, err = list("KINDE_ALLOWED_ORGS (--allowed-orgs)", c.AllowedOrgs, "org_abc123,org_def456"); err != nil {
		return s, err
	}
	if s.level, err = zapcore.ParseLevel(c.LogLevel); err != nil {
		return s, fmt.Errorf("KINDE_AUTHZ_LOG_LEVEL (--log-level): %q: want debug, info, warn or error", c.LogLevel)
	}
	if c.DrainDelay < 0 {
		return s, fmt.Errorf("KINDE_AUTHZ_DRAIN_DELAY (--drain-delay): %s: want 0s or more, like 10s", c.DrainDelay)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return s, errors.New("KINDE_AUTHZ_TLS_CERT (--tls-cert) and KINDE_AUTHZ_TLS_KEY (--tls-key) go together: set both or neither")
	}
	if c.TLSClientCA != "" && c.TLSCert == "" {
		return s, errors.New("KINDE_AUTHZ_TLS_CLIENT_CA (--tls-client-ca) needs KINDE_AUTHZ_TLS_CERT and KINDE_AUTHZ_TLS_KEY")
	}
	return s, nil
}

// list splits a comma-separated setting; nil means that it is not there.
func list(name string, text *string, example string) ([]string, error) {
	if text == nil {
		return nil, nil
	}
	items := strings.Split(*text, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	items = slices.DeleteFunc(items, func(item string) bool { return item == "" })
	if len(items) == 0 {
		return nil, fmt.Errorf("%s is set but empty: want a comma-separated list, like %s, or leave it unset to switch the check off", name, example)
	}
	return items, nil
}
