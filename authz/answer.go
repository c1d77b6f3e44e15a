package authz

import (
	"encoding/json"
	"strings"

	"google.golang.org/grpc/codes"
)

// realm is the protection space of a challenge (RFC 9110, section 11.5).
const realm = "kinde"

// retryAfter is how long a client is asked to wait, in seconds: the issuer is
// asked again within ten.
const retryAfter = "5"

// appendAnswer appends the CheckResponse that a decision is in Envoy's terms. No
// other function makes one: for Envoy a status of zero, or none, is an allow.
func appendAnswer(out []byte, d *Decision) []byte {
	if d.allowed && d.headers != "" && (d.Reason == Allowed || d.Reason == Public) {
		return appendMetadata(appendAllow(out, d), d)
	}
	a, known := answers[d.Reason]
	if !known {
		d.Reason, a = InternalError, answers[InternalError]
	}
	d.allowed = false
	return appendMetadata(appendDenial(out, d, a), d)
}

func appendAllow(out []byte, d *Decision) []byte {
	out = appendText(out, responseStatus, "") // a code of zero
	out, ok := begin(out, responseOK)
	out = append(out, d.headers...)
	for _, name := range d.extra {
		out = appendText(out, okRemove, name)
	}
	return end(out, ok)
}

func appendDenial(out []byte, d *Decision, a *answer) []byte {
	out, status := begin(out, responseStatus)
	out = appendText(appendNumber(out, statusCode, int(a.code)), statusMessage, string(d.Reason))
	out = end(out, status)

	out, denied := begin(out, responseDenied)
	out, http := begin(out, deniedStatus)
	out = end(appendNumber(out, httpStatusCode, a.status), http)
	out = appendHeader(out, "content-type", "application/json")
	if a.challenges() {
		out = appendHeader(out, "www-authenticate", challenge(d, a))
	}
	if a.code == codes.Unavailable {
		out = appendHeader(out, "retry-after", retryAfter)
	}
	return end(appendBody(out, d, a), denied)
}

// challenges reports whether the answer tells how to get in (RFC 9110, section
// 11.6.1; RFC 6750, section 3).
func (a *answer) challenges() bool { return a.code == codes.Unauthenticated || a.error == lacksScope }

// challenge is the bearer scheme (RFC 6750, section 3) with what the policy
// wants, and with where to find out how to get a token (RFC 9728, section 5.1). A
// client that sent no token is told of no error.
func challenge(d *Decision, a *answer) string {
	if (d.policy == nil || d.policy.scope == "") && d.resource() == nil {
		return a.challenge
	}
	text := append(make([]byte, 0, 1<<10), a.challenge...)
	if d.policy != nil && d.policy.scope != "" {
		text = append(append(append(text, `, scope="`...), d.policy.scope...), '"')
	}
	if d.resource() != nil {
		text = append(append(append(text, `, resource_metadata="`...), d.resource().metadata...), '"')
	}
	return string(text)
}

// appendBody appends what the caller of a denied request reads. It holds fixed
// words and the decision's ID: an attacker learns the reason and no more.
func appendBody(out []byte, d *Decision, a *answer) []byte {
	if d.Reason == MetadataDocument && d.resource() != nil {
		return appendText(out, deniedBody, d.resource().document)
	}
	out, body := begin(out, deniedBody)
	out = append(append(append(out, a.body...), d.ID[:]...), `"}`...)
	return end(out, body)
}

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

// appendMetadata appends what Envoy's access log, RBAC and rate limits can use.
func appendMetadata(out []byte, d *Decision) []byte {
	out, metadata := begin(out, responseMetadata)
	out = appendFact(out, "decision", d.Verdict())
	out = appendFact(out, "reason", string(d.Reason))
	out = appendFact(out, "decision_id", view(d.ID[:]))
	out = appendFact(out, "policy", d.Policy())
	if id := d.identity; id != nil {
		out = appendFact(out, "actor", string(id.actor.word()))
		out = appendFact(out, "user_id", id.part(id.user))
		out = appendFact(out, "client_id", id.part(id.client))
		out = appendFact(out, "org_code", id.part(id.org))
	}
	return end(out, metadata)
}
