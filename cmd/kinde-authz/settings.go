package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"go.uber.org/zap/zapcore"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// serveCommand is the serve command with its settings. Pointers tell a setting
// that is empty, which is an error, from one that is not there, for which the
// file speaks.
type serveCommand struct {
	Config      string         `env:"KINDE_AUTHZ_CONFIG" placeholder:"FILE" help:"YAML file of settings; flags and the environment win over it."`
	Domain      *string        `env:"KINDE_DOMAIN" placeholder:"URL" help:"Issuer, like https://yourapp.kinde.com. Required without a file that lists issuers."`
	Audience    *string        `env:"KINDE_AUDIENCE" placeholder:"API,…" help:"Audiences, comma-separated; a token must name one of them. Unset: not checked."`
	AllowedOrgs *string        `env:"KINDE_ALLOWED_ORGS" placeholder:"ORG,…" help:"Organization codes, comma-separated; a token must have one of them. Unset: any organization, or none."`
	Listen      *string        `env:"KINDE_AUTHZ_LISTEN" placeholder:"ADDRESS" help:"Address of the gRPC port, or unix:/path. Default: :9191."`
	AdminListen *string        `env:"KINDE_AUTHZ_ADMIN_LISTEN" placeholder:"ADDRESS" help:"Address of the HTTP port for /healthz, /readyz and /metrics. Default: :9192."`
	DrainDelay  *time.Duration `env:"KINDE_AUTHZ_DRAIN_DELAY" placeholder:"DURATION" help:"How long to go on serving after SIGTERM while reporting NOT_SERVING. Default: 10s."`
	LogLevel    *string        `env:"KINDE_AUTHZ_LOG_LEVEL" placeholder:"LEVEL" help:"debug, info, warn or error. Default: info."`

	InsecureHTTP *bool   `name:"insecure-http" env:"KINDE_AUTHZ_INSECURE_HTTP" help:"Allow http:// issuers. For local stacks and tests only."`
	TLSCert      *string `name:"tls-cert" env:"KINDE_AUTHZ_TLS_CERT" placeholder:"FILE" help:"Certificate of the gRPC port, PEM. Unset: no TLS."`
	TLSKey       *string `name:"tls-key" env:"KINDE_AUTHZ_TLS_KEY" placeholder:"FILE" help:"Key of the certificate, PEM."`
	TLSClientCA  *string `name:"tls-client-ca" env:"KINDE_AUTHZ_TLS_CLIENT_CA" placeholder:"FILE" help:"Authorities, PEM; a client must show a certificate of one of them."`
}

// settings is what serve works with, checked.
type settings struct {
	verifier    kinde.Config
	rules       map[string]authz.Rules
	listen      string
	adminListen string
	drainDelay  time.Duration
	level       zapcore.Level
	tls         tlsFiles

	dropAuthorization bool
}

// settings reads the file and checks all that is set. What cannot be meant is
// refused, above all a check that is configured but empty: it would read as a
// check and be none.
func (c *serveCommand) settings() (*settings, error) {
	f := &file{}
	if c.Config != "" {
		var err error
		if f, err = readFile(c.Config); err != nil {
			return nil, fmt.Errorf("KINDE_AUTHZ_CONFIG (--config): %w", err)
		}
	}
	s := &settings{
		rules:             make(map[string]authz.Rules),
		listen:            setting(c.Listen, f.Listen.value, ":9191"),
		adminListen:       setting(c.AdminListen, f.AdminListen.value, ":9192"),
		tls:               tlsFiles{setting(c.TLSCert, f.TLS.Cert.value, ""), setting(c.TLSKey, f.TLS.Key.value, ""), setting(c.TLSClientCA, f.TLS.ClientCA.value, "")},
		drainDelay:        f.DrainDelay.or(10 * time.Second),
		dropAuthorization: f.Headers.ForwardAuthorization != nil && !*f.Headers.ForwardAuthorization,
	}
	s.verifier = kinde.Config{
		Leeway: f.Leeway.or(30 * time.Second), InsecureHTTP: f.InsecureHTTP,
		Refresh: f.JWKS.Refresh.value, MaxStale: f.JWKS.MaxStale.value, Timeout: f.JWKS.Timeout.value,
	}
	if c.InsecureHTTP != nil {
		s.verifier.InsecureHTTP = *c.InsecureHTTP
	}
	for _, step := range []func(*settings, *file) error{c.checkIssuers, c.checkTimes, c.checkLevel, c.checkTLS} {
		if err := step(s, f); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// setting is the value of a flag or variable, else of the file, else the
// default.
func setting(flag *string, inFile, otherwise string) string {
	if flag != nil {
		return *flag
	}
	return cmp.Or(inFile, otherwise)
}

// checkIssuers takes the issuers of the file, or the one of the environment.
func (c *serveCommand) checkIssuers(s *settings, f *file) error {
	if len(f.Issuers) == 0 {
		return c.checkIssuer(s)
	}
	if c.Domain != nil || c.Audience != nil || c.AllowedOrgs != nil {
		return errors.New("KINDE_DOMAIN, KINDE_AUDIENCE and KINDE_ALLOWED_ORGS cannot be set beside a file that lists issuers: set them there")
	}
	for _, i := range f.Issuers {
		if i.Domain.node == nil {
			return fmt.Errorf("%s: each issuer needs a domain, like https://yourapp.kinde.com", c.Config)
		}
		domain, err := kinde.ParseDomain(i.Domain.value, s.verifier.InsecureHTTP)
		if err != nil {
			return c.refuse(i.Domain.node, "domain: %v", err)
		}
		if _, twice := s.rules[domain.String()]; twice {
			return c.refuse(i.Domain.node, "domain: the issuer %s is listed twice", domain)
		}
		rules := authz.Rules{AllowedOrgs: values(i.AllowedOrgs)}
		for _, actor := range i.Actors {
			if a := kinde.Actor(actor.value); a != kinde.User && a != kinde.System {
				return c.refuse(actor.node, "actors: %q: want user or system", actor.value)
			}
			rules.Actors = append(rules.Actors, kinde.Actor(actor.value))
		}
		s.addIssuer(kinde.Issuer{Domain: domain.String(), Audience: values(i.Audience), JWKSFile: i.JWKSFile.value}, rules)
	}
	return nil
}

// checkIssuer takes the issuer that flags and the environment describe.
func (c *serveCommand) checkIssuer(s *settings) error {
	if c.Domain == nil || *c.Domain == "" {
		return errors.New("KINDE_DOMAIN (--domain) is required: the issuer, like https://yourapp.kinde.com")
	}
	domain, err := kinde.ParseDomain(*c.Domain, s.verifier.InsecureHTTP)
	if err != nil {
		return fmt.Errorf("KINDE_DOMAIN (--domain): %w; KINDE_AUTHZ_INSECURE_HTTP=true allows http:// for local stacks", err)
	}
	audience, err := list("KINDE_AUDIENCE (--audience)", c.Audience, "https://api.yourapp.com")
	if err != nil {
		return err
	}
	orgs, err := list("KINDE_ALLOWED_ORGS (--allowed-orgs)", c.AllowedOrgs, "org_abc123,org_def456")
	if err != nil {
		return err
	}
	s.addIssuer(kinde.Issuer{Domain: domain.String(), Audience: audience}, authz.Rules{AllowedOrgs: orgs})
	return nil
}

func (s *settings) addIssuer(issuer kinde.Issuer, rules authz.Rules) {
	s.verifier.Issuers = append(s.verifier.Issuers, issuer)
	s.rules[issuer.Domain] = rules
}

func (c *serveCommand) checkTimes(s *settings, f *file) error {
	if c.DrainDelay != nil {
		s.drainDelay = *c.DrainDelay
	}
	refresh, stale := cmp.Or(s.verifier.Refresh, kinde.DefaultRefresh), cmp.Or(s.verifier.MaxStale, kinde.DefaultMaxStale)
	switch {
	case s.drainDelay < 0:
		return fmt.Errorf("KINDE_AUTHZ_DRAIN_DELAY (--drain-delay): %s: want 0s or more, like 10s", s.drainDelay)
	case s.verifier.Leeway > kinde.MaxLeeway:
		return c.refuse(f.Leeway.node, "leeway: %s: want 0s to %s", s.verifier.Leeway, kinde.MaxLeeway)
	}
	for name, d := range map[string]duration{"refresh": f.JWKS.Refresh, "max_stale": f.JWKS.MaxStale, "timeout": f.JWKS.Timeout} {
		if d.node != nil && d.value == 0 {
			return c.refuse(d.node, "jwks.%s: 0s: want more", name)
		}
	}
	if stale <= refresh {
		node := f.JWKS.MaxStale.node
		if node == nil {
			node = f.JWKS.Refresh.node
		}
		return c.refuse(node, "jwks: refresh (%s) must be below max_stale (%s)", refresh, stale)
	}
	return nil
}

func (c *serveCommand) checkLevel(s *settings, f *file) error {
	level := setting(c.LogLevel, f.Log.Level.value, "info")
	var err error
	s.level, err = zapcore.ParseLevel(level)
	if err == nil && level != "" {
		return nil
	}
	if c.LogLevel == nil {
		return c.refuse(f.Log.Level.node, "log.level: %q: want debug, info, warn or error", level)
	}
	return fmt.Errorf("KINDE_AUTHZ_LOG_LEVEL (--log-level): %q: want debug, info, warn or error", level)
}

func (c *serveCommand) checkTLS(s *settings, _ *file) error {
	if (s.tls.cert == "") != (s.tls.key == "") {
		return errors.New("KINDE_AUTHZ_TLS_CERT (--tls-cert, tls.cert) and KINDE_AUTHZ_TLS_KEY (--tls-key, tls.key) go together: set both or neither")
	}
	if s.tls.clientCA != "" && s.tls.cert == "" {
		return errors.New("KINDE_AUTHZ_TLS_CLIENT_CA (--tls-client-ca, tls.client_ca) needs KINDE_AUTHZ_TLS_CERT and KINDE_AUTHZ_TLS_KEY")
	}
	return nil
}

// refuse is an error about a setting in the file.
func (c *serveCommand) refuse(node ast.Node, format string, args ...any) error {
	return fmt.Errorf("%s: %w", c.Config, refuse(node, format, args...))
}

// list splits a comma-separated setting; nil means that it is not there.
func list(name string, setting *string, example string) ([]string, error) {
	if setting == nil {
		return nil, nil
	}
	items := strings.Split(*setting, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	items = slices.DeleteFunc(items, func(item string) bool { return item == "" })
	if len(items) == 0 {
		return nil, fmt.Errorf("%s is set but empty: want a comma-separated list, like %s, or leave it unset to switch the check off", name, example)
	}
	return items, nil
}
