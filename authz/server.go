package authz

import (
	"context"
	"math/rand/v2"
	"runtime/debug"
	"sync/atomic"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/zap"
)

// Server answers Envoy's external authorization calls over gRPC with the
// decisions of an [Authorizer].
type Server struct {
	authv3.UnimplementedAuthorizationServer
	authorizer atomic.Pointer[Authorizer]
	log        *zap.Logger
	observe    func(*Decision, time.Duration)
}

// NewServer returns a server that logs one line a decision to log, and then
// calls observe, unless it is nil, with the decision and how long it took.
func NewServer(authorizer *Authorizer, log *zap.Logger, observe func(*Decision, time.Duration)) *Server {
	if observe == nil {
		observe = func(*Decision, time.Duration) {}
	}
	s := &Server{log: log, observe: observe}
	s.Use(authorizer)
	return s
}

// Use makes another authorizer decide from now on. A check that has begun ends
// with the one it began with.
func (s *Server) Use(authorizer *Authorizer) { s.authorizer.Store(authorizer) }

// Check answers one call. It never returns a gRPC error, which Envoy takes for
// a failure of the service and, set to fail open, would let pass: whatever
// goes wrong ends as a denial.
func (s *Server) Check(ctx context.Context, check *authv3.CheckRequest) (response *authv3.CheckResponse, _ error) {
	start := time.Now()
	defer func() {
		if fault := recover(); fault != nil {
			response = s.denyFault(fault, time.Since(start))
		}
	}()
	request := newRequest(check)
	authorizer := s.authorizer.Load()
	decision := authorizer.Decide(ctx, request)
	took := time.Since(start)
	if !decision.allowed || authorizer.unloggedAllows == 0 || rand.Float64() >= authorizer.unloggedAllows {
		logDecision(s.log, request, &decision, took)
	}
	s.observe(&decision, took)
	return newResponse(&decision), nil
}

// denyFault is the denial for a panic.
func (s *Server) denyFault(fault any, took time.Duration) *authv3.CheckResponse {
	decision := deny(InternalError, nil, nil)
	decision.ID = newID()
	s.log.Error("a check panicked", zap.String("decision_id", decision.ID), zap.String("reason", string(InternalError)),
		zap.Any("fault", fault), zap.ByteString("stack", debug.Stack()))
	s.observe(&decision, took)
	return newResponse(&decision)
}

// newRequest reads what a decision needs. Envoy sends headers in a map, or in
// a list with encode_raw_headers; each level of the message may be missing,
// which leaves a request without credentials.
func newRequest(check *authv3.CheckRequest) *Request {
	attributes := check.GetAttributes()
	http := attributes.GetRequest().GetHttp()
	request := NewRequest(http.GetMethod(), http.GetPath(), http.GetHeaders(), attributes.GetContextExtensions())
	for _, header := range http.GetHeaderMap().GetHeaders() {
		value := header.GetValue()
		if raw := header.GetRawValue(); len(raw) > 0 {
			value = string(raw)
		}
		request.addHeader(header.GetKey(), value)
	}
	return request
}
