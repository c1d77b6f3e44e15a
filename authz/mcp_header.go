package authz

import (
	"encoding/base64"
	"strings"
)

// MCPMetadata is what Envoy says of a message of the Model Context Protocol in the
// metadata of a request.
type MCPMetadata interface {
	// MCPMessage returns the message, if Envoy took the body for one and saw
	// all of it. It is asked only where a route's settings want it.
	MCPMessage() (message MCPMessage, told bool)
}

// isPartial reports whether Envoy says that the body is not whole, or something that
// nobody here understands.
func (r *Request) isPartial() bool {
	for _, value := range r.PartialBody {
		if value != "false" {
			return true
		}
	}
	return false
}

// headersAgree reports whether the headers that repeat parts of a message say the
// same, where they are there: a proxy or a server may go by either. A response has
// no method to repeat.
func (r *Request) headersAgree(m *MCPMessage) bool {
	if len(r.MCPMethod) > 0 && (len(r.MCPMethod) > 1 || m.Method == "" || r.MCPMethod[0] != m.Method) {
		return false
	}
	value, named := m.named()
	switch {
	case !named || len(r.MCPName) == 0:
		return true
	case len(r.MCPName) > 1 || r.MCPName[0] == "":
		return false
	case value == "":
		return true
	}
	name, ok := decodeMCPHeader(r.MCPName[0])
	return ok && name == value
}

// named returns what the header Mcp-Name repeats of a message, empty where that is
// not known. It is not named where the header means nothing.
func (m *MCPMessage) named() (value string, named bool) {
	switch {
	case m.Method == toolsCall, m.Method == "prompts/get":
		return m.Name, true
	case m.Method == "resources/read":
		return m.URI, true
	case strings.HasPrefix(m.Method, "tasks/"):
		return m.TaskID, true
	default:
		return "", false
	}
}

// decodeMCPHeader returns the text of a header's value, which is in base64 where it
// could not stand in a header.
func decodeMCPHeader(value string) (string, bool) {
	coded, found := strings.CutPrefix(value, "=?base64?")
	if !found {
		return value, true
	}
	if coded, found = strings.CutSuffix(coded, "?="); !found {
		return value, true
	}
	text, err := base64.StdEncoding.Strict().DecodeString(coded)
	return string(text), err == nil && !strings.ContainsAny(coded, "\r\n") // which it passes over
}
