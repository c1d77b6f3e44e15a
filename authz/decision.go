package authz

import (
	"fmt"
	"math/rand/v2"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// Decision is the outcome for one request. Its zero value is a denial.
type Decision struct {
	allowed bool // set by allow alone

	// ID tells this decision from every other.
	ID string
	// Reason is why.
	Reason Reason
	// Detail says more than the reason where there is more to say, in fixed
	// words. It is for the operator, not for the caller.
	Detail string
	// Policy is the name of the policy that was chosen, empty before that.
	Policy string
	// Token is the verified token, nil when there is none.
	Token *kinde.Token
	// Set are the headers that the upstream gets, instead of any the client
	// sent by the same names. Only an allowed request has them.
	Set []Header
	// Remove are the names of headers that must not reach the upstream, none
	// of them in Set.
	Remove []string
}

// Allowed reports whether the request may pass.
func (d *Decision) Allowed() bool { return d.allowed }

// deny returns a denial; the verified token, if there is one, is for the log
// and the metadata. A reason without an answer is a fault of ours.
func deny(reason Reason, policy string, token *kinde.Token) Decision {
	if _, known := answers[reason]; !known {
		reason = InternalError
	}
	return Decision{ID: newID(), Reason: reason, Policy: policy, Token: token}
}

// allow returns the only kind of decision that lets a request pass: one for a
// verified token of a known actor.
func allow(request *Request, policy string, token *kinde.Token, dropAuthorization bool) Decision {
	d := Decision{allowed: true, ID: newID(), Reason: Allowed, Policy: policy, Token: token}
	d.Set = identityHeaders(token)
	d.Remove = headersToRemove(request, d.Set)
	if dropAuthorization {
		d.Remove = append(d.Remove, "authorization")
	}
	return d
}

// newID returns 32 hexadecimal digits.
func newID() string { return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()) }

// Verdict is the decision in a word, allow or deny, for logs, metrics and
// metadata.
func (d *Decision) Verdict() string {
	if d.allowed {
		return "allow"
	}
	return "deny"
}

// Actor is who the token stands for: user, system, or none while no token was
// verified.
func (d *Decision) Actor() string {
	if d.Token == nil || d.Token.Actor == "" {
		return "none"
	}
	return string(d.Token.Actor)
}
