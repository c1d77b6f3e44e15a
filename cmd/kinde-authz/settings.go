package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// flags are the settings that flags and the environment can give. A nil pointer
// is a setting that is not given, for which the file counts; one that is given
// and empty is an error.
type flags struct {
	decisionFlags
	portFlags
	processFlags
}

// decisionFlags are what decides, beside the file.
type decisionFlags struct {
	Config       string  `env:"KINDE_AUTHZ_CONFIG" placeholder:"FILE" help:"YAML file of settings; flags and the environment win over it."`
	Domain       *string `env:"KINDE_DOMAIN" placeholder:"URL" help:"Issuer, like https://yourapp.kinde.com. Required without a file that lists issuers."`
	Audience     *string `env:"KINDE_AUDIENCE" placeholder:"API,…" help:"Audiences, comma-separated; a token must name one of them. Unset: not checked."`
	AllowedOrgs  *string `env:"KINDE_ALLOWED_ORGS" placeholder:"ORG,…" help:"Organization codes, comma-separated; a token must have one of them. Unset: any organization, or none."`
	InsecureHTTP *bool   `name:"insecure-http" env:"KINDE_AUTHZ_INSECURE_HTTP" help:"Allow http:// issuers. For local stacks and tests only."`
}

// portFlags are where the service is reached.
type portFlags struct {
	Listen      *string `env:"KINDE_AUTHZ_LISTEN" placeholder:"ADDRESS" help:"Address of the gRPC port, or unix:/path. Default: :9191."`
	AdminListen *string `env:"KINDE_AUTHZ_ADMIN_LISTEN" placeholder:"ADDRESS" help:"Address of the HTTP port for /healthz, /readyz and /metrics. Default: :9192."`
	TLSCert     *string `name:"tls-cert" env:"KINDE_AUTHZ_TLS_CERT" placeholder:"FILE" help:"Certificate of the gRPC port, PEM. Unset: no TLS."`
	TLSKey      *string `name:"tls-key" env:"KINDE_AUTHZ_TLS_KEY" placeholder:"FILE" help:"Key of the certificate, PEM."`
	TLSClientCA *string `name:"tls-client-ca" env:"KINDE_AUTHZ_TLS_CLIENT_CA" placeholder:"FILE" help:"Authorities, PEM; a client must show a certificate of one of them."`
}

// processFlags are what serve alone needs.
type processFlags struct {
	DrainDelay *string `env:"KINDE_AUTHZ_DRAIN_DELAY" placeholder:"DURATION" help:"How long to go on serving after SIGTERM while reporting NOT_SERVING. Default: 10s."`
	LogLevel   *string `env:"KINDE_AUTHZ_LOG_LEVEL" placeholder:"LEVEL" help:"debug, info, warn or error. Default: info."`
}

// settings is what serve works with, checked.
type settings struct {
	verifier    kinde.Config
	policy      authz.Config // but for the verifier
	listen      string
	adminListen string
	drainDelay  time.Duration
	level       zapcore.Level
	// loggedAllows is the share of allows that is logged, from 0 to 1.
	loggedAllows float64
	tls          tlsFiles
	warnings     []warningAt
	content      string // of the file
}

// settings reads the file and checks all settings, and the environment for names
// that look like settings.
func (c *flags) settings() (*settings, error) {
	if err := checkEnvironment(os.Environ()); err != nil {
		return nil, err
	}
	if _, set := os.LookupEnv("KINDE_AUTHZ_CONFIG"); set && c.Config == "" {
		return nil, errors.New("KINDE_AUTHZ_CONFIG (--config) is set but empty: name a file or unset it")
	}
	if c.Config == "" {
		return c.check(&file{})
	}
	content, err := readFile(c.Config)
	if err != nil {
		return nil, fmt.Errorf("KINDE_AUTHZ_CONFIG (--config): %w", err)
	}
	return c.settingsOf(content)
}

// settingsOf checks all settings, where the file has this content.
func (c *flags) settingsOf(content []byte) (*settings, error) {
	f, err := parseFile(content)
	if err != nil {
		return nil, fmt.Errorf("KINDE_AUTHZ_CONFIG (--config): %s: %w", c.Config, err)
	}
	s, err := c.check(f)
	if err != nil {
		return nil, err
	}
	s.content = string(content)
	return s, nil
}

// check refuses settings that cannot be what was meant, above all a check that is
// configured but empty: it would look like a check and check nothing.
func (c *flags) check(f *file) (*settings, error) {
	s, err := c.combine(f)
	var at *fault
	if errors.As(err, &at) {
		return nil, fmt.Errorf("%s: %w", c.Config, f.show(err))
	}
	if err == nil {
		s.warnings = c.warnings(s, f)
	}
	return s, err
}

// checkEmpty refuses flags and variables that are set but empty: they would turn
// TLS off or pick a random port.
func (c *flags) checkEmpty() error {
	for _, flag := range []struct {
		name  string
		value *string
	}{
		{"KINDE_AUTHZ_LISTEN (--listen)", c.Listen}, {"KINDE_AUTHZ_ADMIN_LISTEN (--admin-listen)", c.AdminListen},
		{"KINDE_AUTHZ_TLS_CERT (--tls-cert)", c.TLSCert}, {"KINDE_AUTHZ_TLS_KEY (--tls-key)", c.TLSKey},
		{"KINDE_AUTHZ_TLS_CLIENT_CA (--tls-client-ca)", c.TLSClientCA},
	} {
		if flag.value != nil && *flag.value == "" {
			return fmt.Errorf("%s is set but empty: give it a value or unset it", flag.name)
		}
	}
	return nil
}

func (c *flags) combine(f *file) (*settings, error) {
	if err := c.checkEmpty(); err != nil {
		return nil, err
	}
	s := &settings{
		listen:      setting(c.Listen, f.Listen.value, ":9191"),
		adminListen: setting(c.AdminListen, f.AdminListen.value, ":9192"),
		tls:         tlsFiles{setting(c.TLSCert, f.TLS.Cert.value, ""), setting(c.TLSKey, f.TLS.Key.value, ""), setting(c.TLSClientCA, f.TLS.ClientCA.value, "")},
		drainDelay:  f.DrainDelay.or(10 * time.Second),

		loggedAllows: 1,
	}
	s.policy = authz.Config{Issuers: make(map[string]authz.Rules)}
	s.verifier = kinde.Config{
		Leeway: f.Leeway.or(30 * time.Second), InsecureHTTP: bool(f.InsecureHTTP),
		Refresh: f.JWKS.Refresh.value, MaxStale: f.JWKS.MaxStale.value, Timeout: f.JWKS.Timeout.value,
	}
	if c.InsecureHTTP != nil {
		s.verifier.InsecureHTTP = *c.InsecureHTTP
	}
	for _, step := range []func(*settings, *file) error{c.checkIssuers, c.checkTimes, c.checkLevel, c.checkTLS, c.checkPolicies, c.checkRoutes, c.checkHeaders, c.checkResource} {
		if err := step(s, f); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// setting returns the value of the flag or variable, else that of the file, else
// the default.
func setting(flag *string, inFile, otherwise string) string {
	if flag != nil {
		return *flag
	}
	return cmp.Or(inFile, otherwise)
}

func (c *flags) checkTimes(s *settings, f *file) error {
	if c.DrainDelay != nil {
		var err error
		if s.drainDelay, err = time.ParseDuration(*c.DrainDelay); err != nil || s.drainDelay < 0 {
			return fmt.Errorf("KINDE_AUTHZ_DRAIN_DELAY (--drain-delay): %q: want a duration with a unit, 0s or more, like 10s", *c.DrainDelay)
		}
	}
	refresh, stale := cmp.Or(s.verifier.Refresh, kinde.DefaultRefresh), cmp.Or(s.verifier.MaxStale, kinde.DefaultMaxStale)
	if s.verifier.Leeway > kinde.MaxLeeway {
		return refuse(f.Leeway.node, "leeway: %s: want 0s to %s", s.verifier.Leeway, kinde.MaxLeeway)
	}
	for name, d := range map[string]duration{"refresh": f.JWKS.Refresh, "max_stale": f.JWKS.MaxStale, "timeout": f.JWKS.Timeout} {
		if d.node != nil && d.value == 0 {
			return refuse(d.node, "jwks.%s: 0s: want a duration above 0s", name)
		}
	}
	if stale <= refresh {
		node := f.JWKS.MaxStale.node
		if node == nil {
			node = f.JWKS.Refresh.node
		}
		return refuse(node, "jwks: refresh (%s) must be below max_stale (%s)", refresh, stale)
	}
	return nil
}

var levels = []string{"debug", "info", "warn", "error"}

func (c *flags) checkLevel(s *settings, f *file) error {
	level := setting(c.LogLevel, f.Log.Level.value, "info")
	var err error
	s.level, err = zapcore.ParseLevel(level)
	if err == nil && level != "" {
		return nil
	}
	if c.LogLevel == nil {
		return refuse(f.Log.Level.node, "log.level: %q: want debug, info, warn or error%s", level, didYouMean(level, levels))
	}
	return fmt.Errorf("KINDE_AUTHZ_LOG_LEVEL (--log-level): %q: want debug, info, warn or error%s", level, didYouMean(level, levels))
}

func (c *flags) checkTLS(s *settings, f *file) error {
	wrong := ""
	switch {
	case s.tls.clientCA != "" && s.tls.cert == "":
		wrong = "KINDE_AUTHZ_TLS_CLIENT_CA (--tls-client-ca, tls.client_ca) needs KINDE_AUTHZ_TLS_CERT and KINDE_AUTHZ_TLS_KEY"
	case (s.tls.cert == "") != (s.tls.key == ""):
		wrong = "KINDE_AUTHZ_TLS_CERT (--tls-cert, tls.cert) and KINDE_AUTHZ_TLS_KEY (--tls-key, tls.key) must be set together"
	default:
		return nil
	}
	if node := cmp.Or(f.TLS.ClientCA.node, f.TLS.Cert.node, f.TLS.Key.node); node != nil {
		return refuse(node, "%s", wrong)
	}
	return errors.New(wrong)
}
