package authz

import (
	"context"
	"math/rand/v2"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// Server answers Envoy's external authorization calls with the decisions of an
// [Authorizer]. [NewGRPC] serves it.
type Server struct {
	authorizer atomic.Pointer[Authorizer]
	log        *zap.Logger
	decisions  map[Reason]*zap.Logger
	observe    func(*Decision, time.Duration)
	room       room
}

// NewServer returns a server that logs one line a decision to log, and then
// calls observe, unless it is nil, with the decision and how long it took.
// Neither may keep what it is given: fields of the log and the decision are good
// until the call returns.
func NewServer(authorizer *Authorizer, log *zap.Logger, observe func(*Decision, time.Duration)) *Server {
	if observe == nil {
		observe = func(*Decision, time.Duration) {}
	}
	s := &Server{log: log, decisions: decisionLogs(log), observe: observe}
	s.Use(authorizer)
	return s
}

// Use makes another authorizer decide from now on. A check that has begun ends
// with the one it began with.
func (s *Server) Use(authorizer *Authorizer) { s.authorizer.Store(authorizer) }

// Authorizer returns the one that decides now.
func (s *Server) Authorizer() *Authorizer { return s.authorizer.Load() }

// Answer decides on the request that the bytes of a CheckRequest describe and
// appends those of a CheckResponse to out. Whatever goes wrong ends as a denial,
// bytes that are no CheckRequest included: an error would be for Envoy a failure
// of the service, which set to fail open it would let pass.
func (s *Server) Answer(ctx context.Context, message, out []byte) (answer []byte) {
	start := time.Now()
	defer func() {
		if fault := recover(); fault != nil {
			answer = s.denyFault(out, fault, time.Since(start))
		}
	}()
	c, authorizer := checks.Get().(*check), s.authorizer.Load()
	if err := c.read(message); err == nil {
		c.decision = authorizer.Decide(ctx, &c.request)
	} else {
		c.decision = denyMessage(err)
	}
	c.took = time.Since(start)
	if !c.decision.allowed || authorizer.unloggedAllows == 0 || rand.Float64() >= authorizer.unloggedAllows {
		c.log(s.decisions[c.decision.Reason])
	}
	s.observe(&c.decision, c.took)
	out = appendAnswer(out, &c.decision)
	c.release() // not after a panic: what is in it then is anyone's guess
	return out
}

// refuseUnread appends the denial of a call for whose message there is no room.
func (s *Server) refuseUnread(out []byte) (answer []byte) {
	defer func() {
		if fault := recover(); fault != nil {
			answer = s.denyFault(out, fault, 0)
		}
	}()
	c := checks.Get().(*check)
	c.decision = deny(kinde.Overloaded, nil, nil)
	c.decision.ID, c.decision.Detail = newID(), noRoomDetail
	c.log(s.decisions[kinde.Overloaded])
	s.observe(&c.decision, 0)
	out = appendAnswer(out, &c.decision)
	c.release()
	return out
}

// denyMessage is the denial for bytes that are no CheckRequest. A client has a
// hand in them where Envoy passes on what it was sent unchecked, such as a server
// name that is no UTF-8.
func denyMessage(err error) Decision {
	decision := deny(InternalError, nil, nil)
	decision.ID, decision.Detail = newID(), err.Error()
	return decision
}

// denyFault is the denial for a panic, of the log or of the one who observes too.
func (s *Server) denyFault(out []byte, fault any, took time.Duration) (answer []byte) {
	decision := deny(InternalError, nil, nil)
	decision.ID = newID()
	answer = appendAnswer(out, &decision)
	defer func() { _ = recover() }() // there is an answer, and nobody left to tell
	s.log.Error("a check panicked", zap.Stringer("decision_id", decision.ID), zap.String("reason", string(InternalError)),
		zap.Any("fault", fault), zap.ByteString("stack", debug.Stack()))
	s.observe(&decision, took)
	return answer
}
