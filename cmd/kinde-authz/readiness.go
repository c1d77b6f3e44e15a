package main

import (
	"sync/atomic"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// readiness says over gRPC health and HTTP whether Envoy should ask here.
type readiness struct {
	health   *health.Server
	draining atomic.Bool
}

// newReadiness returns one that is not ready.
func newReadiness() *readiness {
	r := &readiness{health: health.NewServer()}
	r.set(false)
	return r
}

func (r *readiness) register(s *grpc.Server) { healthv1.RegisterHealthServer(s, r.health) }

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
