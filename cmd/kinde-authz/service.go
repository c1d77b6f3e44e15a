package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/kinde-authz/kinde-authz/authz/extauthz"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/tracing"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// service is the running program: what decides, and its two ports.
type service struct {
	flags     *settings.Flags
	settings  atomic.Pointer[settings.Settings]
	log       *zap.Logger
	level     zap.AtomicLevel
	readiness *readiness
	metrics   *metrics
	tracing   *tracing.Tracing // nil without
	notifier  *notifier        // nil without systemd
	verifier  atomic.Pointer[kinde.Verifier]
	server    *extauthz.Server
	stopKeys  func() // ends the fetching of keys
	grpc      *grpc.Server
	grpcPort  *port
	admin     *http.Server
	adminPort *port

	certificates *certificates      // nil without TLS
	started      *settings.Settings // what the ports and their TLS are of
	clients      *clients
	connections  *connections // to the gRPC port
	events       *events
	dropped      func() uint64 // lines of the log
	signing      signing
}

// newService puts the service together and takes its ports.
func newService(flags *settings.Flags, loaded *settings.Settings, logs *logs) (*service, error) {
	s := &service{
		flags: flags, log: logs.events, readiness: newReadiness(), metrics: newMetrics(),
		events: newEvents(), dropped: logs.dropped.Load, notifier: newNotifier(),
	}
	s.settings.Store(loaded)
	s.started = loaded
	s.observe(loaded)
	if err := s.signing.load(context.Background(), loaded); err != nil {
		return nil, usageError{err}
	}
	verifier, authorizer, err := loaded.Build(nil)
	if err != nil {
		return nil, usageError{err}
	}
	s.verifier.Store(verifier)
	s.readiness.use(loaded)
	s.server = extauthz.NewServer(authorizer, logs.decisions, s.decided)
	s.server.Use(authorizer, loaded.LoggedAllows)
	s.clients = newClients(loaded.ClientNames, s.log)
	s.connections = newConnections(loaded.Limits.Connections, s.log)
	s.server.Limit(loaded.Limits.InFlightBytes)
	if loaded.TLS.Cert != "" {
		if s.certificates, err = newCertificates(loaded.TLS, s.clients); err != nil {
			return nil, usageError{err}
		}
		s.certificates.warnExpired(s.log)
		s.metrics.registry.MustRegister(certificateExpiry(s.certificates))
	}
	if s.tracing, err = tracing.Start(version, s.log); err != nil {
		return nil, usageError{err}
	}
	s.grpc = newGRPCServer(s.server, s.certificates)
	s.metrics.registry.MustRegister(spans(s.tracing)...)
	s.metrics.registry.MustRegister(keyMetrics{s.verifier.Load}, s.metrics.cachedTokens(s.server), droppedLines(logs),
		refusedClients(s.clients), connectionMetrics{s.connections})
	s.readiness.register(s.grpc)
	s.admin = newAdminServer(s)
	if s.grpcPort, err = listen("KINDE_AUTHZ_LISTEN (--listen, listen)", loaded.Listen); err != nil {
		return nil, err
	}
	if s.adminPort, err = listen("KINDE_AUTHZ_ADMIN_LISTEN (--admin-listen, admin_listen)", loaded.AdminListen); err != nil {
		s.grpcPort.Close()
		return nil, err
	}
	warn(loaded, s.log)
	return s, nil
}

// observe has the log, the metrics and the readiness told of what happens with
// these settings, and headers written as Envoy gets them, and
// assertions signed with the keys that there are.
func (s *service) observe(loaded *settings.Settings) {
	loaded.Verifier.Observer.Refreshed = s.refreshed
	loaded.Authorizer.Cache, loaded.Authorizer.Encode = &s.metrics.cache, extauthz.Encode
	if loaded.Authorizer.Assertion != nil {
		loaded.Authorizer.Assertion.Keys = s.signing.keys.Load
	}
}

// decided tells the metrics, and the trace, of a decision.
func (s *service) decided(ctx context.Context, o *extauthz.Observation) {
	s.metrics.decided(o, s.tracing.Decided(ctx, o))
}

// refreshed tells the log, the metrics, the trace and the readiness of an attempt to fetch
// keys.
func (s *service) refreshed(r kinde.Refresh) {
	s.metrics.refreshed(r)
	s.tracing.Refreshed(r)
	issuer, keys := zap.String("issuer", r.Issuer), zap.Int("keys", r.Keys)
	for _, err := range r.Refused {
		s.log.Warn("a key is not used", issuer, zap.Error(err))
	}
	if r.Err != nil {
		s.events.fetchFailed(r.Issuer, r.Err.Error())
		s.log.Warn("fetching the keys failed", issuer, keys, zap.Error(r.Err))
	} else {
		s.log.Info("fetched the keys", issuer, keys, zap.String("result", string(r.Result)))
	}
	ready := s.verifier.Load().Ready()
	s.readiness.set(ready)
	s.notifier.ready(ready)
}

// run serves until a signal; then it drains and stops.
func (s *service) run(signals, hangups <-chan os.Signal) error {
	s.stopKeys = s.verifier.Load().Start()
	ctx, cancel := context.WithCancel(context.Background())
	watching := make(chan struct{})
	go func() { defer close(watching); s.watch(ctx, hangups) }()
	go s.watchSigningKeys(ctx)
	if s.certificates != nil {
		go s.certificates.watch(ctx, s.reloadedTLS)
	}
	defer func() {
		cancel()
		select {
		case <-watching:
			s.stopKeys()
		case <-time.After(flushTimeout): // a reload is under way, and the process ends without it
		}
	}()

	failed := make(chan error, 2)
	go func() { failed <- s.grpc.Serve(boundedPort{s.grpcPort, s.connections}) }()
	go func() { failed <- s.serveAdmin() }()
	defer s.admin.Close()
	defer s.grpc.Stop()
	s.log.Info("serving", s.describe()...)
	defer s.notifier.stop()
	go s.notifier.started(ctx, s.verifier.Load())
	go s.notifier.watch(s.alive)
	select {
	case err := <-failed:
		return fmt.Errorf("a port failed: %w", err)
	case <-signals:
	}
	cancel()
	return s.drain(signals, s.settings.Load().DrainDelay)
}
