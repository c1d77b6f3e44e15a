package extauthz

import (
	"net/http"

	"google.golang.org/grpc/codes"

	"github.com/kinde-authz/kinde-authz/authz"
)

// appendAnswer appends the CheckResponse that a decision is in Envoy's terms. No
// other function makes one: for Envoy a status of zero, or none, is an allow.
func appendAnswer(out []byte, d *authz.Decision) []byte {
	if headers, assertion, remove := d.Encoded(); d.Allowed() && headers != "" {
		return appendMetadata(appendAllow(out, headers, assertion, remove), d)
	}
	unknown := d.Status() == http.StatusInternalServerError && d.Reason != authz.InternalError
	if d.Allowed() || unknown { // an allow without headers, or a decision that nobody made
		id := d.ID
		*d = authz.Denial(authz.InternalError, "the decision cannot be answered")
		d.ID = id
	}
	return appendMetadata(appendDenial(out, d), d)
}

func appendAllow(out []byte, headers, assertion string, remove []string) []byte {
	out = appendText(out, responseStatus, "") // a code of zero
	out, ok := begin(out, responseOK)
	out = append(append(out, headers...), assertion...)
	for _, name := range remove {
		out = appendText(out, okRemove, name)
	}
	return end(out, ok)
}

func appendDenial(out []byte, d *authz.Decision) []byte {
	out, status := begin(out, responseStatus)
	out = appendText(appendNumber(out, statusCode, int(codeOf(d.Status()))), statusMessage, string(d.Reason))
	out = end(out, status)

	out, denied := begin(out, responseDenied)
	out, http := begin(out, deniedStatus)
	out = end(appendNumber(out, httpStatusCode, d.Status()), http)
	var room [4]authz.Header
	for _, header := range d.AppendAnswerHeaders(room[:0]) {
		out = appendHeader(out, header.Name, header.Value)
	}
	out, body := begin(out, deniedBody)
	return end(end(d.AppendBody(out), body), denied)
}

// codeOf is the code of a CheckResponse that goes with the HTTP status of a
// denial. It is never OK, which Envoy alone treats as an allow.
func codeOf(status int) codes.Code {
	switch status {
	case http.StatusBadRequest:
		return codes.InvalidArgument
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusServiceUnavailable:
		return codes.Unavailable
	case http.StatusInternalServerError:
		return codes.Internal
	default:
		return codes.PermissionDenied
	}
}

// appendMetadata appends what Envoy's access log, RBAC and rate limits can use.
func appendMetadata(out []byte, d *authz.Decision) []byte {
	out, metadata := begin(out, responseMetadata)
	out = appendFact(out, "decision", d.Effect())
	out = appendFact(out, "reason", string(d.Reason))
	out = appendFact(out, "decision_id", textOf(d.ID[:]))
	out = appendFact(out, "policy", d.Policy())
	if d.Issuer() != "" {
		if actor := d.Actor(); actor != "none" {
			out = appendFact(out, "actor", actor)
		}
		out = appendFact(out, "user_id", d.UserID())
		out = appendFact(out, "client_id", d.ClientID())
		out = appendFact(out, "org_code", d.Org())
	}
	out = appendFact(out, "mcp_method", d.MCPMethod())
	out = appendFact(out, "mcp_tool", d.MCPTool())
	out = appendFact(out, "shadow_reason", string(d.ShadowReason()))
	return end(out, metadata)
}
