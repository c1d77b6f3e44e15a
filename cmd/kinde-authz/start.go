package main

import (
	"context"
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz"
)

// describe says what was started: where it listens, what is configured, and the limits.
func (s *service) describe() []zap.Field {
	loaded := s.settings.Load()
	return []zap.Field{
		zap.String("version", version),
		zap.Stringer("listen", s.grpcPort.Addr()), zap.Stringer("admin_listen", s.adminPort.Addr()),
		zap.Inline(loaded),
		zap.String("tracing", s.tracing.Protocol()),
		zap.Int("connections", loaded.Limits.Connections), zap.Int64("in_flight_bytes", loaded.Limits.InFlightBytes),
		zap.Bool("pprof", loaded.Pprof),
		zap.Int("max_message_bytes", extauthz.MaxMessageBytes),
		zap.Int64("memory_limit_bytes", debug.SetMemoryLimit(-1)), // a negative one changes nothing
	}
}

// alive returns once a request was decided on, as Envoy's would be, and not counted.
func (s *service) alive() {
	s.server.Authorizer().Decide(context.Background(), &authz.Request{Method: "GET", Path: "/"})
}
