package authz

import (
	"encoding/json"
	"net/http"
	"strings"
)

// realm is the protection space of a challenge (RFC 9110, section 11.5).
const realm = "kinde"

// retryAfter is how long a client is asked to wait, in seconds: the issuer is
// asked again within ten.
const retryAfter = "5"

// answer is what the denial for one reason looks like from outside.
type answer struct {
	status      int    // of the HTTP answer
	error       string // of the body and the challenge, RFC 6750 section 3.1
	description string // for the caller: fixed words, so that nothing leaks
	hint        string // for the operator: which setting to look at

	challenge string // of every such answer, but for what the policy and the resource add
	body      string // up to the decision's ID
}

// The errors of a body, RFC 6750 section 3.1 and RFC 6749 section 4.1.2.1.
const (
	invalidRequest = "invalid_request"
	invalidToken   = "invalid_token"
	lacksScope     = "insufficient_scope"
	accessDenied   = "access_denied"
	unavailable    = "temporarily_unavailable"
	serverError    = "server_error"
)

// complete prepares what does not differ between two denials for the reason.
func (a *answer) complete(reason Reason) {
	a.challenge = `Bearer realm="` + realm + `"`
	if a.error != "" {
		a.challenge += `, error="` + a.error + `", error_description="` + a.description + `"`
	}
	text, err := json.Marshal(struct {
		Error       string `json:"error,omitempty"`
		Description string `json:"error_description"`
		Reason      Reason `json:"reason"`
		DecisionID  string `json:"decision_id"`
	}{a.error, a.description, reason, ""})
	if err != nil {
		panic(err) // strings always have a JSON form
	}
	a.body = strings.TrimSuffix(string(text), `"}`)
}

// challenges reports whether the answer tells how to get in (RFC 9110, section
// 11.6.1; RFC 6750, section 3).
func (a *answer) challenges() bool {
	return a.status == http.StatusUnauthorized || a.error == lacksScope
}

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
	a := d.answer()
	list = append(list, Header{"content-type", "application/json"})
	if a.challenges() {
		list = append(list, Header{"www-authenticate", d.challenge(a)})
	}
	if a.status == http.StatusServiceUnavailable {
		list = append(list, Header{"retry-after", retryAfter})
	}
	return list
}

// challenge is the bearer scheme (RFC 6750, section 3) with what the policy
// wants, and with where to find out how to get a token (RFC 9728, section 5.1). A
// client that sent no token is told of no error.
func (d *Decision) challenge(a *answer) string {
	resource := d.resource()
	if (d.policy == nil || d.policy.scope == "") && resource == nil {
		return a.challenge
	}
	text := append(make([]byte, 0, 1<<10), a.challenge...)
	if d.policy != nil && d.policy.scope != "" {
		text = append(append(append(text, `, scope="`...), d.policy.scope...), '"')
	}
	if resource != nil {
		text = append(append(append(text, `, resource_metadata="`...), resource.metadata...), '"')
	}
	return string(text)
}

// AppendBody appends what the caller of a denied request reads, JSON. It holds
// fixed words and the decision's ID: an attacker learns the reason and no more.
func (d *Decision) AppendBody(out []byte) []byte {
	if d.Allowed() {
		return out
	}
	if resource := d.resource(); d.Reason == MetadataDocument && resource != nil {
		return append(out, resource.document...)
	}
	return append(append(append(out, d.answer().body...), d.ID[:]...), `"}`...)
}
