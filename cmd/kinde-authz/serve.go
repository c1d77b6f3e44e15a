package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// Run serves until a signal ends it.
func (c *serveCommand) Run() error {
	settings, err := c.settings()
	if err != nil {
		return usageError{err}
	}
	signals := make(chan os.Signal, 2) // the one that drains and the one that ends at once
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	log, err := newLogger(settings.level)
	if err != nil {
		return err
	}
	defer log.Sync() //nolint:errcheck // standard error need not support it
	service, err := newService(settings, log)
	if err != nil {
		return err
	}
	return service.run(signals, settings.drainDelay)
}

// newLogger returns a logger of JSON lines to standard error that leaves out
// no line: each decision counts.
func newLogger(level zapcore.Level) (*zap.Logger, error) {
	config := zap.NewProductionConfig()
	config.Level.SetLevel(level)
	config.Sampling = nil
	config.DisableCaller = true
	config.DisableStacktrace = true
	config.EncoderConfig.TimeKey = "time"
	config.EncoderConfig.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	return config.Build()
}

// service is the running program: the verifier and its two ports.
type service struct {
	log       *zap.Logger
	verifier  *kinde.Verifier
	readiness *readiness
	metrics   *metrics
	grpc      *grpc.Server
	grpcPort  *port
	admin     *http.Server
	adminPort *port
}

// newService puts the service together and takes its ports.
func newService(settings *settings, log *zap.Logger) (*service, error) {
	s := &service{log: log, readiness: newReadiness(), metrics: newMetrics()}
	settings.verifier.Observer.Refreshed = s.refreshed
	var err error
	if s.verifier, err = kinde.NewVerifier(settings.verifier); err != nil {
		return nil, usageError{err}
	}
	authorizer, err := authz.NewAuthorizer(authz.Config{
		Verifier: s.verifier, Issuers: settings.rules, DropAuthorization: settings.dropAuthorization,
	})
	if err != nil {
		return nil, usageError{err}
	}
	if s.grpc, err = newGRPCServer(settings.tls); err != nil {
		return nil, usageError{err}
	}
	s.metrics.registry.MustRegister(keyMetrics{s.verifier})
	authv3.RegisterAuthorizationServer(s.grpc, authz.NewServer(authorizer, log, s.metrics.decided))
	s.readiness.register(s.grpc)
	s.admin = newAdminServer(s)
	if s.grpcPort, err = listen("KINDE_AUTHZ_LISTEN (--listen, listen)", settings.listen); err != nil {
		return nil, err
	}
	if s.adminPort, err = listen("KINDE_AUTHZ_ADMIN_LISTEN (--admin-listen, admin_listen)", settings.adminListen); err != nil {
		s.grpcPort.Close()
		return nil, err
	}
	warn(settings, log)
	return s, nil
}

// warn says what is switched off.
func warn(settings *settings, log *zap.Logger) {
	for _, issuer := range settings.verifier.Issuers {
		if issuer.Audience == nil {
			log.Warn("no audience is configured: tokens for any API of this Kinde business pass",
				zap.String("setting", "KINDE_AUDIENCE"), zap.String("issuer", issuer.Domain))
		}
	}
	if settings.verifier.InsecureHTTP {
		log.Warn("http:// issuers are allowed: whoever is on the way can replace the keys",
			zap.String("setting", "KINDE_AUTHZ_INSECURE_HTTP"))
	}
}

// refreshed tells the log, the metrics and the readiness of an attempt to fetch
// keys.
func (s *service) refreshed(r kinde.Refresh) {
	s.metrics.refreshed(r)
	issuer, keys := zap.String("issuer", r.Issuer), zap.Int("keys", r.Keys)
	for _, err := range r.Refused {
		s.log.Warn("a key is not used", issuer, zap.Error(err))
	}
	if r.Err != nil {
		s.log.Warn("fetching the keys failed", issuer, keys, zap.Error(r.Err))
	} else {
		s.log.Info("fetched the keys", issuer, keys, zap.String("result", string(r.Result)))
	}
	s.readiness.set(s.verifier.Ready())
}

// run serves until a signal; then it drains, for delay, and stops.
func (s *service) run(signals <-chan os.Signal, delay time.Duration) error {
	ctx, cancel := context.WithCancel(context.Background())
	fetching := make(chan struct{})
	go func() { defer close(fetching); s.verifier.Run(ctx) }()
	defer func() { cancel(); <-fetching }()

	failed := make(chan error, 2)
	go func() { failed <- s.grpc.Serve(s.grpcPort) }()
	go func() { failed <- s.admin.Serve(s.adminPort) }()
	defer s.admin.Close()
	defer s.grpc.Stop()
	s.log.Info("serving", zap.String("version", version),
		zap.Stringer("listen", s.grpcPort.Addr()), zap.Stringer("admin_listen", s.adminPort.Addr()))
	select {
	case err := <-failed:
		return fmt.Errorf("a port failed: %w", err)
	case <-signals:
	}
	return s.drain(signals, delay)
}
