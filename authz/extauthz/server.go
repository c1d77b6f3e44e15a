package extauthz

import (
	"context"
	"math/rand/v2"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// Server answers Envoy's external authorization calls with the decisions of an
// [authz.Authorizer]. [NewGRPC] serves it.
type Server struct {
	current   atomic.Pointer[settings]
	log       *zap.Logger
	decisions map[authz.Reason]*zap.Logger
	observe   func(context.Context, *Observation)
	room      room
}

// settings are what can be changed while the server answers.
type settings struct {
	authorizer     *authz.Authorizer
	unloggedAllows float64
}

// NewServer returns a server that logs one line a decision to log, and then
// calls observe, unless it is nil, with the context of the call and what there is to
// know about it. Neither may keep what it is given: fields of the log and the
// observation are good until the call returns. The authorizer must be made with [Encode] as its
// [authz.Config.Encode]: what it allows without is answered as internal_error.
// All allows are logged until [Server.Use] says otherwise.
func NewServer(authorizer *authz.Authorizer, log *zap.Logger, observe func(context.Context, *Observation)) *Server {
	if observe == nil {
		observe = func(context.Context, *Observation) {}
	}
	s := &Server{log: log, decisions: decisionLogs(log), observe: observe}
	s.Limit(DefaultRoom)
	s.Use(authorizer, 1)
	return s
}

// Use makes another authorizer decide from now on, and logs a share of the
// allows, from 0 to 1; denials always are, and what a policy in shadow would deny. A call that has begun ends with what it
// began with.
func (s *Server) Use(authorizer *authz.Authorizer, loggedAllows float64) {
	s.current.Store(&settings{authorizer, 1 - loggedAllows})
}

// Limit bounds what all calls that are being read, or decided on, may take together
// from now on, in bytes. A call for which there is no room is answered overloaded at
// once. Each takes [MaxMessageBytes] until its message is there.
func (s *Server) Limit(bytes int64) { s.room.limit.Store(bytes) }

// InFlight returns what all calls take now, in bytes.
func (s *Server) InFlight() int64 { return s.room.used.Load() }

// Authorizer returns the one that decides now.
func (s *Server) Authorizer() *authz.Authorizer { return s.current.Load().authorizer }

// Answer decides on the request that the bytes of a CheckRequest describe and
// appends those of a CheckResponse to out. Whatever goes wrong ends as a denial,
// bytes that are no CheckRequest included: an error would be for Envoy a failure
// of the service, which set to fail open it would let pass.
func (s *Server) Answer(ctx context.Context, message, out []byte) (answer []byte) {
	start := time.Now()
	defer func() {
		if fault := recover(); fault != nil {
			answer = s.denyFault(ctx, out, fault, start)
		}
	}()
	c, settings := calls.Get().(*call), s.current.Load()
	if err := c.read(message); err == nil {
		c.decision = settings.authorizer.Decide(ctx, &c.request)
	} else {
		// A client has a hand in such bytes where Envoy passes on what it was
		// sent unchecked, such as a server name that is not UTF-8.
		c.decision = authz.Denial(authz.InternalError, err.Error())
	}
	c.observed.Start, c.observed.Took = start, time.Since(start)
	answer = appendAnswer(out, &c.decision) // before the log, which must say the same
	if !c.isPlainAllow() || settings.unloggedAllows == 0 || rand.Float64() >= settings.unloggedAllows {
		c.log(s.decisions[c.decision.Reason])
	}
	s.observe(ctx, c.observation())
	c.release() // not after a panic: what is in it then is anyone's guess
	return answer
}

// refuseUnread appends the denial of a call for whose message there is no room.
func (s *Server) refuseUnread(ctx context.Context, out []byte) (answer []byte) {
	start := time.Now()
	defer func() {
		if fault := recover(); fault != nil {
			answer = s.denyFault(ctx, out, fault, start)
		}
	}()
	c := calls.Get().(*call)
	c.observed.Start, c.decision = start, authz.Denial(kinde.Overloaded, noRoomDetail)
	answer = appendAnswer(out, &c.decision)
	c.log(s.decisions[kinde.Overloaded])
	s.observe(ctx, c.observation())
	c.release()
	return answer
}

// denyFault is the denial for a panic, of the log or of the one who observes too.
func (s *Server) denyFault(ctx context.Context, out []byte, fault any, start time.Time) (answer []byte) {
	decision := authz.Denial(authz.InternalError, "")
	answer = appendAnswer(out, &decision)
	defer func() { _ = recover() }() // there is an answer, and nobody left to tell
	s.log.Error("a call panicked", zap.Stringer("decision_id", decision.ID), zap.String("reason", string(authz.InternalError)),
		zap.Any("fault", fault), zap.ByteString("stack", debug.Stack()))
	s.observe(ctx, &Observation{Decision: &decision, Start: start, Took: time.Since(start)})
	return answer
}
