package authz

import (
	"encoding/binary"
	"encoding/hex"
	"iter"
	"math/rand/v2"
	"slices"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/proto"
)

// Decision is the outcome for one request. Its zero value is a denial. One that
// was made for a request whose strings end with it is good for as long.
type Decision struct {
	// ID tells this decision from every other.
	ID ID
	// Reason is why.
	Reason Reason
	// Detail says more than the reason where there is more to say, in fixed
	// words. It is for the operator, not for the caller.
	Detail string

	allowed  bool        // set by allow and allowPublic alone
	by       *Authorizer // nil where none was asked
	policy   *policy     // nil where none was chosen
	route    *route      // nil where none matched
	named    bool        // Envoy named a policy
	identity *identity   // of the token, nil where there is none
	headers  string      // fields of an OkHttpResponse, for an allow
	extra    []string    // names to remove that are in no field yet
}

// ID is 32 hexadecimal digits.
type ID [32]byte

// String returns the digits.
func (id ID) String() string { return string(id[:]) }

// newID returns an ID that nobody has.
func newID() (id ID) {
	var random [16]byte
	binary.LittleEndian.PutUint64(random[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(random[8:], rand.Uint64())
	hex.Encode(id[:], random[:])
	return id
}

// Allowed reports whether the request may pass.
func (d *Decision) Allowed() bool { return d.allowed }

// deny returns a denial; the policy and the identity of a verified token, if
// there are any, are for the answer, the log and the metadata. A reason without
// an answer is a fault of ours.
func deny(reason Reason, policy *policy, id *identity) Decision {
	if _, known := answers[reason]; !known {
		reason = InternalError
	}
	return Decision{Reason: reason, policy: policy, identity: id}
}

// The details of [BadRequest], which has two causes.
const (
	methodDetail     = "the method is not in upper case"
	connectionDetail = "the Connection header names an identity header"
)

// denyRequest is the denial for one of the causes of [BadRequest].
func denyRequest(detail string) Decision {
	d := deny(BadRequest, nil, nil)
	d.Detail = detail
	return d
}

// allow returns the only decision that lets a request pass with an identity:
// that of a token which nobody refused.
func allow(policy *policy, id *identity, extra []string) Decision {
	if id.refused != nil || id.part(id.headers) == "" {
		return deny(InternalError, policy, nil)
	}
	return Decision{allowed: true, Reason: Allowed, policy: policy, identity: id, headers: id.part(id.headers), extra: extra}
}

// allowPublic returns the only decision that lets a request pass without one.
func allowPublic(headers *headers, extra []string) Decision {
	return Decision{allowed: true, Reason: Public, headers: headers.none, extra: extra}
}

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
	if d.identity == nil || d.identity.actor == 0 {
		return "none"
	}
	return string(d.identity.actor.word())
}

// Org is the organization of the verified token, empty where there is none.
func (d *Decision) Org() string {
	if d.identity == nil {
		return ""
	}
	return d.identity.part(d.identity.org)
}

// Issuer is the issuer of the verified token, empty where there is none.
func (d *Decision) Issuer() string {
	if d.identity == nil || d.identity.issuer == nil {
		return ""
	}
	return d.identity.issuer.domain
}

// ClientID is the application that the verified token was issued to, empty where
// there is none.
func (d *Decision) ClientID() string {
	if d.identity == nil {
		return ""
	}
	return d.identity.part(d.identity.client)
}

// resource is what a challenge points to, nil where none is configured.
func (d *Decision) resource() *resource {
	if d.by == nil {
		return nil
	}
	return d.by.resource
}

// Policy is the name of the policy that was chosen, empty where none was.
func (d *Decision) Policy() string {
	if d.policy == nil {
		return ""
	}
	return d.policy.name
}

// Route is the path of the route that matched, empty where none did.
func (d *Decision) Route() string {
	if d.route == nil {
		return ""
	}
	return d.route.path
}

// Headers returns the headers that the upstream of an allowed request gets,
// instead of any that the client sent by the same names, and the names of those
// that must not reach it, in alphabetical order.
func (d *Decision) Headers() (set []Header, remove []string) {
	var fields authv3.OkHttpResponse
	if err := proto.Unmarshal([]byte(d.headers), &fields); err != nil {
		panic(err) // they were written here
	}
	for _, option := range fields.GetHeaders() {
		set = append(set, Header{option.GetHeader().GetKey(), option.GetHeader().GetValue()})
	}
	return set, slices.Sorted(slices.Values(slices.Concat(fields.GetHeadersToRemove(), d.extra)))
}

// Missing returns what the policy wants and the token has not: the names of the
// scopes, permissions, roles or feature flags that the reason speaks of.
func (d *Decision) Missing() []string { return slices.Collect(d.missing()) }

func (d *Decision) missing() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, want := range d.wanted() {
			if !set(d.identity.part(d.identity.met)).has(want.number) && !yield(want.name) {
				return
			}
		}
	}
}

// wanted returns what the policy wants and the token does not have all of.
func (d *Decision) wanted() []want {
	if d.policy == nil || d.identity == nil {
		return nil
	}
	return d.policy.wanted(d.Reason)
}
