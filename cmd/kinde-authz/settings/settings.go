// Package settings reads the settings of kinde-authz from its file, flags and the
// environment, and says what is wrong with them, and where.
package settings

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/internal/suggest"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// Settings are what the service works with.
type Settings struct {
	// Verifier and Authorizer are what [Settings.Build] builds from. The
	// authorizer's verifier is not set.
	Verifier   kinde.Config
	Authorizer authz.Config
	// Listen and AdminListen are the addresses of the two ports.
	Listen, AdminListen string
	// TLS is that of the gRPC port.
	TLS TLS
	// ClientNames are those of which a client's certificate must have one. Nil: it may
	// have any.
	ClientNames []string
	// Limits are those of the gRPC port.
	Limits Limits
	// Pprof serves profiles on the admin port.
	Pprof bool
	// DrainDelay is how long to go on serving after SIGTERM.
	DrainDelay time.Duration
	// LogLevel is the least level that is logged.
	LogLevel zapcore.Level
	// LoggedAllows is the share of allows that is logged, from 0 to 1.
	LoggedAllows float64
	// Content is that of the file, empty without one.
	Content string

	path    string // of the file
	standIn bool   // for the issuer that the file does not list
	file    *file  // one without settings where there is none
}

// TLS names the files of the gRPC port's TLS, PEM. Without a certificate there is
// no TLS; with client authorities, a client must show a certificate of one of them.
type TLS struct{ Cert, Key, ClientCA string }

// Limits bound what the clients of the gRPC port can take.
type Limits struct {
	// Connections may be open at a time.
	Connections int
	// InFlightBytes is what all calls may take together.
	InFlightBytes int64
}

func (l limitSettings) limits() Limits {
	return Limits{
		Connections:   int(cmp.Or(l.Connections, defaultConnections)),
		InFlightBytes: int64(cmp.Or(l.InFlightMiB, defaultInFlightMiB)) << 20,
	}
}

// The defaults: connections for the workers of some dozen Envoys, and calls of which the
// memory fits into a container of 1 GiB.
const (
	defaultConnections = 1024
	defaultInFlightMiB = 512
)

// with combines flags and file: flags and the environment win. Of issuers only one
// of the two may say something.
func (f *Flags) with(parsed *file) (*Settings, error) {
	if err := f.checkEmpty(); err != nil {
		return nil, err
	}
	s := &Settings{
		Verifier:    parsed.verifier(),
		Authorizer:  parsed.authorizer(),
		Listen:      setting(f.Listen, parsed.Listen, ":9191"),
		AdminListen: setting(f.AdminListen, parsed.AdminListen, defaultAdminListen),
		TLS: TLS{
			Cert:     setting(f.TLSCert, parsed.TLS.Cert, ""),
			Key:      setting(f.TLSKey, parsed.TLS.Key, ""),
			ClientCA: setting(f.TLSClientCA, parsed.TLS.ClientCA, ""),
		},
		Limits:       parsed.Limits.limits(),
		Pprof:        bool(parsed.Pprof),
		LoggedAllows: parsed.Log.SampleAllows.or(1),
		Content:      string(parsed.content),
		path:         f.Config,
		file:         parsed,
	}
	if f.InsecureHTTP != nil {
		s.Verifier.InsecureHTTP = *f.InsecureHTTP
	}
	if f.Pprof != nil {
		s.Pprof = *f.Pprof
	}
	for _, step := range []func(*Settings) error{
		f.addIssuers, f.addDrainDelay, f.addLevel, checkTLS, f.addClientNames, checkAssertion,
	} {
		if err := step(s); err != nil {
			return nil, s.locate(err)
		}
	}
	s.Authorizer.Resources = parsed.resources(s.Verifier)
	return s, nil
}

// setting returns the value of the flag or variable, else that of the file, else
// the default.
func setting(flag *string, inFile text, otherwise string) string {
	if flag != nil {
		return *flag
	}
	return cmp.Or(string(inFile), otherwise)
}

func (f *Flags) addDrainDelay(s *Settings) error {
	if f.DrainDelay == nil {
		s.DrainDelay = s.file.DrainDelay.or(10 * time.Second)
		return nil
	}
	var err error
	if s.DrainDelay, err = time.ParseDuration(*f.DrainDelay); err != nil || s.DrainDelay < 0 {
		return fmt.Errorf("KINDE_AUTHZ_DRAIN_DELAY (--drain-delay): %q: want a duration with a unit, 0s or more, like 10s", *f.DrainDelay)
	}
	return nil
}

var levels = []string{"debug", "info", "warn", "error"}

func (f *Flags) addLevel(s *Settings) error {
	level := setting(f.LogLevel, s.file.Log.Level, "info")
	var err error
	s.LogLevel, err = zapcore.ParseLevel(level)
	if err == nil && level != "" {
		return nil
	}
	err = fmt.Errorf("%q: want debug, info, warn or error%s", level, suggest.Question(level, levels))
	if f.LogLevel == nil {
		return kinde.ConfigErrorAt(err, "log", "level")
	}
	return fmt.Errorf("KINDE_AUTHZ_LOG_LEVEL (--log-level): %w", err)
}

func checkTLS(s *Settings) error {
	wrong := ""
	switch {
	case s.TLS.ClientCA != "" && s.TLS.Cert == "":
		wrong = "KINDE_AUTHZ_TLS_CLIENT_CA (--tls-client-ca, tls.client_ca) needs KINDE_AUTHZ_TLS_CERT and KINDE_AUTHZ_TLS_KEY"
	case (s.TLS.Cert == "") != (s.TLS.Key == ""):
		wrong = "KINDE_AUTHZ_TLS_CERT (--tls-cert, tls.cert) and KINDE_AUTHZ_TLS_KEY (--tls-key, tls.key) must be set together"
	default:
		return nil
	}
	if !reflect.DeepEqual(s.file.TLS, tlsSettings{}) {
		return kinde.ConfigErrorAt(errors.New(wrong), "tls")
	}
	return errors.New(wrong)
}

// Build makes what decides; what is wrong with a setting is an error that says
// where the setting is. With a previous verifier, issuers that stay keep their keys.
func (s *Settings) Build(previous *kinde.Verifier) (*kinde.Verifier, *authz.Authorizer, error) {
	verifier, err := s.newVerifier(previous)
	if err != nil {
		return nil, nil, s.locate(err)
	}
	config := s.Authorizer
	config.Verifier = verifier
	authorizer, err := authz.NewAuthorizer(config)
	return verifier, authorizer, s.locate(err)
}

func (s *Settings) newVerifier(previous *kinde.Verifier) (*kinde.Verifier, error) {
	if previous == nil {
		return kinde.NewVerifier(s.Verifier)
	}
	return previous.Reconfigured(s.Verifier)
}
