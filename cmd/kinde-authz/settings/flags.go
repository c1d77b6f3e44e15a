package settings

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/kinde-authz/kinde-authz/internal/regular"
)

// Flags are the settings that flags and the environment can give. A nil pointer
// is a setting that is not given, for which the file counts; one that is given
// and empty is an error.
type Flags struct {
	Decision
	Ports
	Process
}

// Decision are the flags that say what decides, beside the file.
type Decision struct {
	Config       string  `env:"KINDE_AUTHZ_CONFIG" placeholder:"FILE" help:"YAML file of settings; flags and the environment win over it."`
	Domain       *string `env:"KINDE_DOMAIN" placeholder:"URL" help:"Issuer, like https://yourapp.kinde.com. Required without a file that lists issuers."`
	Audience     *string `env:"KINDE_AUDIENCE" placeholder:"API,…" help:"Audiences, comma-separated; a token must name one of them. Unset: not checked."`
	AllowedOrgs  *string `env:"KINDE_ALLOWED_ORGS" placeholder:"ORG,…" help:"Organization codes, comma-separated; a token must have one of them. Unset: any organization, or none."`
	InsecureHTTP *bool   `name:"insecure-http" env:"KINDE_AUTHZ_INSECURE_HTTP" help:"Allow http:// issuers. For local stacks and tests only."`
}

// Ports are the flags that say where the service is reached.
type Ports struct {
	Listen      *string `env:"KINDE_AUTHZ_LISTEN" placeholder:"ADDRESS" help:"Address of the gRPC port, or unix:/path. Default: :9191."`
	AdminListen *string `env:"KINDE_AUTHZ_ADMIN_LISTEN" placeholder:"ADDRESS" help:"Address of the HTTP port: a status page, /healthz, /readyz, /metrics and /jwks. Default: :9192."`
	TLSCert     *string `name:"tls-cert" env:"KINDE_AUTHZ_TLS_CERT" placeholder:"FILE" help:"Certificate of the gRPC port, PEM. Unset: no TLS."`
	TLSKey      *string `name:"tls-key" env:"KINDE_AUTHZ_TLS_KEY" placeholder:"FILE" help:"Key of the certificate, PEM."`
	TLSClientCA *string `name:"tls-client-ca" env:"KINDE_AUTHZ_TLS_CLIENT_CA" placeholder:"FILE" help:"Authorities, PEM; a client must show a certificate of one of them."`

	TLSClientNames *string `name:"tls-client-names" env:"KINDE_AUTHZ_TLS_CLIENT_NAMES" placeholder:"NAME,…" help:"DNS names and URIs, comma-separated; a client's certificate must have one of them (SAN). Unset: not checked."`
}

// Process are the flags that serve alone needs.
type Process struct {
	DrainDelay *string `env:"KINDE_AUTHZ_DRAIN_DELAY" placeholder:"DURATION" help:"How long to go on serving after SIGTERM while reporting NOT_SERVING. Default: 10s."`
	LogLevel   *string `env:"KINDE_AUTHZ_LOG_LEVEL" placeholder:"LEVEL" help:"debug, info, warn or error. Default: info."`
	Pprof      *bool   `name:"pprof" env:"KINDE_AUTHZ_PPROF" help:"Serve profiles at /debug/pprof/ of the admin port."`
}

// maxFileBytes bounds a settings file.
const maxFileBytes = 4 << 20

// ReadFile returns the content of a settings file, which is a regular file of at
// most 4 MiB.
func ReadFile(ctx context.Context, path string) ([]byte, error) {
	return regular.Read(ctx, path, maxFileBytes)
}

// maxPEMBytes bounds each file of the TLS settings.
const maxPEMBytes = 1 << 20

// ReadPEM returns the content of a file that the TLS settings name, which is a regular
// file of at most 1 MiB.
func ReadPEM(ctx context.Context, path string) ([]byte, error) {
	return regular.Read(ctx, path, maxPEMBytes)
}

// Read reads the settings, from the file too. It refuses variables of the
// environment that look like settings and are none. Whether what decides makes
// sense is found out by [Settings.Build].
func (f *Flags) Read() (*Settings, error) {
	if err := checkEnvironment(os.Environ()); err != nil {
		return nil, err
	}
	if _, set := os.LookupEnv("KINDE_AUTHZ_CONFIG"); set && f.Config == "" {
		return nil, errors.New("KINDE_AUTHZ_CONFIG (--config) is set but empty: name a file or unset it")
	}
	if f.Config == "" {
		return f.with(&file{})
	}
	content, err := ReadFile(context.Background(), f.Config)
	if err != nil {
		return nil, fmt.Errorf("KINDE_AUTHZ_CONFIG (--config): %w", err)
	}
	return f.Parse(content)
}

// Parse returns the settings where the file has this content.
func (f *Flags) Parse(content []byte) (*Settings, error) {
	parsed, err := parseFile(content)
	if err != nil {
		return nil, fmt.Errorf("KINDE_AUTHZ_CONFIG (--config): %s: %w", f.Config, err)
	}
	return f.with(parsed)
}

// ParseAlone returns the settings of the file named Config with this content,
// whatever the environment says. A file without issuers gets one that stands for
// what serve takes from the environment; it is reported as a stand-in.
func (f *Flags) ParseAlone(content []byte) (s *Settings, standIn bool, err error) {
	parsed, err := parseFile(content)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", f.Config, err)
	}
	if standIn = len(parsed.Issuers) == 0; standIn {
		domain := "https://yourapp.kinde.com"
		f.Domain = &domain
	}
	if s, err = f.with(parsed); err == nil {
		s.standIn = standIn
	}
	return s, standIn, err
}

// checkEmpty refuses flags and variables that are set but empty: they would turn
// TLS off or pick a random port.
func (f *Flags) checkEmpty() error {
	for _, flag := range []struct {
		name  string
		value *string
	}{
		{"KINDE_AUTHZ_LISTEN (--listen)", f.Listen}, {"KINDE_AUTHZ_ADMIN_LISTEN (--admin-listen)", f.AdminListen},
		{"KINDE_AUTHZ_TLS_CERT (--tls-cert)", f.TLSCert}, {"KINDE_AUTHZ_TLS_KEY (--tls-key)", f.TLSKey},
		{"KINDE_AUTHZ_TLS_CLIENT_CA (--tls-client-ca)", f.TLSClientCA},
	} {
		if flag.value != nil && *flag.value == "" {
			return fmt.Errorf("%s is set but empty: give it a value or unset it", flag.name)
		}
	}
	return nil
}
