package authz

import (
	"encoding/binary"
	"encoding/hex"
	"iter"
	"math/rand/v2"
	"slices"
)

// Decision is the outcome for one request. Its zero value is a denial. It shares the
// strings of its request, and is good for as long as they are.
type Decision struct {
	// ID tells this decision from every other.
	ID ID
	// Reason is why.
	Reason Reason
	// Detail says more than the reason where there is more to say, in fixed
	// words. It is for the operator, not for the caller.
	Detail string

	allowed   bool      // set by allow and allowPublic alone
	asked     questions // of the configuration
	named     bool      // Envoy named a policy
	policy    *policy   // chosen for the request, nil where none was
	route     *route    // nil where none matched
	resource  *resource // that the request belongs to, nil for none
	preflight bool      // for the document of the resource
	origin    bool      // the request came from a page in a browser
	reads     bool      // a message is to be read
	message   MCPMessage
	called    *tool     // the entry for the tool that is called, nil for none
	tool      *policy   // what the tool that is called adds, nil for none, or where nobody looked
	judged    bool      // the policy that was chosen was asked
	byTool    bool      // it is the tool's policy which denies
	identity  *identity // of the token, nil where there is none
	headers   block     // of an allow
	assertion *signed   // nil where there is none
	extra     []string  // names to remove beside those

	shadowed     *policy // the policy in shadow that would have denied first, nil for none
	shadowReason Reason  // for which it would have
}

// questions are what a configuration asks of every request.
type questions struct {
	any       bool // false where no authorizer was asked
	paths     bool // method and path decide something
	routes    bool // there are routes
	resources bool // there are resources
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

// Allowed reports whether the request may pass. Four things must say so: whoever
// changes one of them makes a denial of the decision.
func (d *Decision) Allowed() bool {
	return d.allowed && d.headers.exists() && (d.Reason == Allowed || d.Reason == Public) && d.isAsserted()
}

// isAsserted reports whether an assertion is there where one must be.
func (d *Decision) isAsserted() bool {
	return d.identity == nil || d.identity.asserted == nil || d.assertion != nil
}

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

// Denial returns a denial that an adapter makes: of a message that it cannot read,
// or that it has no room for. A word that is not a reason becomes [InternalError].
func Denial(reason Reason, detail string) Decision {
	d := deny(reason, nil, nil)
	d.ID, d.Detail = newID(), detail
	return d
}

// denyRequest is the denial for one of the causes of [BadRequest].
func denyRequest(detail string) Decision {
	d := deny(BadRequest, nil, nil)
	d.Detail = detail
	return d
}

// describe is the answer to a request for the document of a resource.
func describe(resource *resource, request *Request) Decision {
	d := deny(MetadataDocument, nil, nil)
	d.resource, d.preflight = resource, request.isPreflight()
	return d
}

// unsignedDetail is why nothing passes where the upstream wants an assertion.
const unsignedDetail = "the assertion for the upstream cannot be signed"

// allow returns the only decision that lets a request pass with an identity:
// that of a token which nobody refused, with an assertion if there must be one.
func allow(policy *policy, id *identity, extra []string) Decision {
	if id.refused != nil || !id.headers.exists() {
		return deny(InternalError, policy, nil)
	}
	assertion, ok := id.asserted.current()
	if !ok {
		d := deny(InternalError, policy, nil)
		d.Detail = unsignedDetail
		return d
	}
	return Decision{
		allowed: true, Reason: Allowed, policy: policy, identity: id, headers: id.headers, assertion: assertion, extra: extra,
	}
}

// allowPublic returns the only decision that lets a request pass without one.
func allowPublic(headers *headers, extra []string) Decision {
	return Decision{allowed: true, Reason: Public, headers: headers.none, extra: extra}
}

// Effect is the decision in a word, allow or deny, for logs, metrics and
// metadata.
func (d *Decision) Effect() string {
	if d.Allowed() {
		return "allow"
	}
	return "deny"
}

// Actor is who the token stands for: user, system, or none while no token was
// verified.
func (d *Decision) Actor() string {
	if d.identity == nil || d.identity.actor == "" {
		return "none"
	}
	return string(d.identity.actor)
}

// nobody is the identity where no token was verified.
var nobody = &identity{issuer: &rules{}}

func (d *Decision) who() *identity {
	if d.identity == nil || d.identity.issuer == nil {
		return nobody
	}
	return d.identity
}

// UserID is the user's ID (sub) of a verified token, empty where there is none.
func (d *Decision) UserID() string { return d.who().user }

// ClientID is the application that the verified token was issued to (azp), empty
// where there is none.
func (d *Decision) ClientID() string { return d.who().client }

// Org is the organization of the verified token, empty where there is none.
func (d *Decision) Org() string { return d.who().org }

// Issuer is the issuer of the verified token, empty where there is none.
func (d *Decision) Issuer() string { return d.who().issuer.domain }

// Policy is the name of the policy that was chosen, empty where none was; of the
// tool's where that one denies.
func (d *Decision) Policy() string {
	if p := d.deciding(); p != nil {
		return p.name
	}
	return ""
}

// deciding is the policy that the reason speaks of, nil where there is none.
func (d *Decision) deciding() *policy {
	if d.byTool {
		return d.tool
	}
	return d.policy
}

// MCPMethod is the method of the message, empty where none was read.
func (d *Decision) MCPMethod() string { return d.message.Method }

// MCPTool is the tool that the message calls, empty where it calls none.
func (d *Decision) MCPTool() string { return d.message.tool() }

// Route is the path of the route that matched, empty where none did.
func (d *Decision) Route() string {
	if d.route == nil {
		return ""
	}
	return d.route.path
}

// Resource is the identifier of the resource that the request belongs to, empty
// where it belongs to none.
func (d *Decision) Resource() string {
	if d.resource == nil {
		return ""
	}
	return d.resource.identifier
}

// Headers returns the headers that the upstream of an allowed request gets,
// instead of any that the client sent by the same names, and the names of those
// that must not reach it, in alphabetical order. With an encoder there are none.
func (d *Decision) Headers() (set []Header, remove []string) {
	if d.headers.plain == nil {
		return nil, nil
	}
	set = d.headers.plain.set
	if d.assertion != nil {
		set = append(slices.Clone(set), d.assertion.header)
	}
	return set, slices.Sorted(slices.Values(slices.Concat(d.headers.plain.remove, d.extra)))
}

// Encoded returns what [Config.Encode] made of the headers of an allowed request, and
// of the assertion, empty where there is none, and the names of those that must not
// reach the upstream either, because this request has them.
func (d *Decision) Encoded() (headers, assertion string, remove []string) {
	if d.assertion != nil {
		assertion = d.assertion.encoded
	}
	return d.headers.encoded, assertion, d.extra
}

// Missing returns what the policy requires and the token does not have: the names
// of the scopes, permissions, roles or feature flags that the reason speaks of. Where
// it speaks of none, they are those of [Decision.ShadowReason].
func (d *Decision) Missing() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, required := range d.required() {
			if !d.identity.met.has(required.number) && !yield(required.name) {
				return
			}
		}
	}
}

// IsMissing reports whether the request was denied because the token lacks
// something, or would have been by a policy in shadow.
func (d *Decision) IsMissing() bool { return len(d.required()) > 0 }

// required returns the requirements that the reason speaks of, else those that the
// shadow reason does.
func (d *Decision) required() []requirement {
	policy := d.deciding()
	if d.identity == nil || policy == nil {
		return nil
	}
	if list := policy.required(d.Reason); list != nil || d.shadowed == nil {
		return list
	}
	return d.shadowed.required(d.shadowReason)
}
