package authz

import (
	"net/http"
	"slices"
	"strings"
)

// retryAfter is how long a client is asked to wait, in seconds: the issuer is
// asked again within ten.
const retryAfter = "5"

// answer is that of a denial. A decision that nobody made has that of a fault.
func (d *Decision) answer() *answer {
	if a := answers[d.Reason]; a != nil {
		return a
	}
	return answers[InternalError]
}

// Status is the HTTP status of the answer, zero for an allowed request, which
// the upstream answers.
func (d *Decision) Status() int {
	if d.Allowed() {
		return 0
	}
	if d.preflight {
		return http.StatusNoContent
	}
	return d.answer().status
}

// Hint says, for the operator, which setting here or in Kinde to look at. It is
// empty for an allowed request.
func (d *Decision) Hint() string {
	if d.Allowed() {
		return ""
	}
	return d.answer().hint
}

// AppendAnswerHeaders appends the headers of the answer to a denied request.
func (d *Decision) AppendAnswerHeaders(list []Header) []Header {
	if d.Allowed() {
		return list
	}
	if d.preflight {
		return append(list, anyOrigin, Header{"access-control-allow-methods", "GET, HEAD"},
			Header{"access-control-allow-headers", "*"})
	}
	a := d.answer()
	list = append(list, Header{"content-type", "application/json"})
	if a.challenges() {
		list = append(list, Header{"www-authenticate", d.challenge(a)})
	}
	if a.status == http.StatusServiceUnavailable {
		list = append(list, Header{"retry-after", retryAfter})
	}
	switch {
	case d.Reason == MetadataDocument:
		list = append(list, anyOrigin)
	case d.resource != nil && d.origin:
		list = append(list, anyOrigin, Header{"access-control-expose-headers", "WWW-Authenticate"})
	}
	return list
}

// anyOrigin lets a page of any origin read the answer (Fetch standard, CORS
// protocol), so that a client in a browser finds out how to log in.
var anyOrigin = Header{"access-control-allow-origin", "*"}

// challenge is the bearer scheme (RFC 6750, section 3) with what the policy
// wants, and with where to find out how to get a token (RFC 9728, section 5.1). A
// client that sent no token is told of no error.
func (d *Decision) challenge(a *answer) string {
	scope := d.scope()
	if scope == "" && d.resource == nil {
		return a.challenge
	}
	text := append(make([]byte, 0, 1<<10), a.challenge...)
	if scope != "" {
		text = append(append(append(text, `, scope="`...), scope...), '"')
	}
	if d.resource != nil {
		text = append(append(append(text, `, resource_metadata="`...), d.resource.metadata...), '"')
	}
	return string(text)
}

// scope is what a client must ask for: what the policy wants, and, where the token
// lacks a scope, what the tool that is called wants besides.
func (d *Decision) scope() string {
	switch {
	case d.policy == nil:
		return ""
	case d.tool == nil || d.tool.scope == "" || d.Reason != InsufficientScope:
		return d.policy.scope
	}
	all := strings.Fields(d.policy.scope)
	for added := range strings.FieldsSeq(d.tool.scope) {
		if !slices.Contains(all, added) {
			all = append(all, added)
		}
	}
	return strings.Join(all, " ")
}

// AppendBody appends what the caller of a denied request reads, JSON. It holds
// fixed words and the decision's ID: an attacker learns the reason and no more.
func (d *Decision) AppendBody(out []byte) []byte {
	if d.Allowed() || d.preflight {
		return out
	}
	if d.Reason == MetadataDocument && d.resource != nil {
		return append(out, d.resource.document...)
	}
	return append(append(append(out, d.answer().body...), d.ID[:]...), `"}`...)
}
