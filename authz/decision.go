package authz

import (
	"fmt"
	"math/rand/v2"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// Decision is the outcome for one request. Its zero value is a denial.
type Decision struct {
	allowed  bool      // set by allow and allowPublic alone
	scope    string    // what the policy wants, for the challenge
	resource *resource // what the challenge points to, nil where none is configured

	// ID tells this decision from every other.
	ID string
	// Reason is why.
	Reason Reason
	// Detail says more than the reason where there is more to say, in fixed
	// words. It is for the operator, not for the caller.
	Detail string
	// Policy is the name of the policy that was chosen, empty where none was.
	Policy string
	// Route is the path of the route that matched, empty where none did.
	Route string
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

// deny returns a denial; the policy and the verified token, if there are any,
// are for the answer, the log and the metadata. A reason without an answer is a
// fault of ours.
func deny(reason Reason, policy *policy, token *kinde.Token) Decision {
	if _, known := answers[reason]; !known {
		reason = InternalError
	}
	d := Decision{Reason: reason, Token: token}
	if policy != nil {
		d.Policy, d.scope = policy.name, policy.scope
	}
	return d
}

// allow returns the only decision that lets a request pass with an identity:
// one for a verified token of a known actor.
func allow(policy *policy, token *kinde.Token, set []Header, remove []string) Decision {
	return Decision{allowed: true, Reason: Allowed, Policy: policy.name, Token: token, Set: set, Remove: remove}
}

// allowPublic returns the only decision that lets a request pass without one.
func allowPublic(remove []string) Decision {
	return Decision{allowed: true, Reason: Public, Remove: remove}
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
