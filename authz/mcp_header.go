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

// saysJSON reports whether the headers leave the body as it was read here: JSON in UTF-8.
// In another charset, as another form or once decoded, a server can find another message
// in the same bytes: in UTF-7, +ACI- is a quotation mark. Without the headers it is JSON
// (RFC 8259, section 8.1).
func (r *Request) saysJSON() bool {
	for _, coding := range r.ContentEncoding {
		if !strings.EqualFold(coding, "identity") {
			return false
		}
	}
	return len(r.ContentType) == 0 || len(r.ContentType) == 1 && isJSON(r.ContentType[0])
}

// isJSON reports whether a media type is application/json, with no parameter but a
// charset that is UTF-8 (RFC 9110, section 8.3.1).
func isJSON(mediaType string) bool {
	name, parameter, given := strings.Cut(mediaType, ";")
	if !strings.EqualFold(strings.Trim(name, " \t"), "application/json") {
		return false
	}
	if !given {
		return true
	}
	key, charset, _ := strings.Cut(strings.Trim(parameter, " \t"), "=")
	if quoted, found := strings.CutPrefix(charset, `"`); found {
		if charset, found = strings.CutSuffix(quoted, `"`); !found {
			return false
		}
	}
	return strings.EqualFold(key, "charset") && (strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8"))
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
