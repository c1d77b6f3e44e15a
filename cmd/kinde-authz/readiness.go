package main

import (
	"context"
	"sync/atomic"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// readiness says over gRPC health and HTTP whether Envoy should ask here.
type readiness struct {
	health   *health.Server
	draining atomic.Bool
	settings atomic.Pointer[string] // their digest
}

// newReadiness returns one that is not ready.
func newReadiness() *readiness {
	r := &readiness{health: health.NewServer()}
	r.set(false)
	return r
}

func (r *readiness) register(s *grpc.Server) {
	s.RegisterService(boundedHealth(), healthServer{r.health, &r.settings})
}

// use tells the digest of these settings from now on.
func (r *readiness) use(loaded *settings.Settings) {
	digest := loaded.Digest()
	r.settings.Store(&digest)
}

// healthServer answers health checks with the digest of the settings.
type healthServer struct {
	*health.Server
	settings *atomic.Pointer[string]
}

// Check implements [healthv1.HealthServer].
func (s healthServer) Check(ctx context.Context, request *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse,
	error) {
	if digest := s.settings.Load(); digest != nil {
		_ = grpc.SetHeader(ctx, metadata.Pairs(settings.DigestHeader, *digest)) // the status matters more
	}
	return s.Server.Check(ctx, request)
}

func (r *readiness) set(ready bool) {
	status := healthv1.HealthCheckResponse_NOT_SERVING
	if ready {
		status = healthv1.HealthCheckResponse_SERVING
	}
	r.health.SetServingStatus("", status)
	r.health.SetServingStatus(authv3.Authorization_ServiceDesc.ServiceName, status)
}

// drain reports NOT_SERVING from now on, whatever set says later.
func (r *readiness) drain() {
	r.draining.Store(true)
	r.health.Shutdown()
}
