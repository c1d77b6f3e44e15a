package authz

import "strings"

// Request is what a decision reads of the request that Envoy asks about.
type Request struct {
	// Method is the HTTP method.
	Method string
	// Path is the path with its query, as Envoy saw it.
	Path string
	// ID is x-request-id, for the log alone.
	ID string
	// Authorization holds each value of the header of that name.
	Authorization []string
	// Connection holds each value of the header of that name.
	Connection []string
	// Identity holds the names of the headers it came with that could be
	// taken for this service's own.
	Identity []string
	// Origin holds each value of the header of that name.
	Origin []string
	// AsksMethod tells whether it came with access-control-request-method.
	AsksMethod bool
	// MCPMethod, MCPName and PartialBody hold each value of the headers
	// mcp-method, mcp-name and x-envoy-auth-partial-body.
	MCPMethod, MCPName, PartialBody []string
	// ContentType and ContentEncoding hold each value of the headers of these names.
	ContentType, ContentEncoding []string
	// Body is the body as bytes, empty where none came. It is looked at on
	// routes with [Route.MCP] alone.
	Body string
	// TextBody tells whether a body came as text, which is not what the upstream
	// gets: bytes that are not UTF-8 are changed in it.
	TextBody bool
	// Metadata is what Envoy says of the body, nil where it says nothing.
	Metadata MCPMetadata
	// Extensions are the context extensions of Envoy's route.
	Extensions Extensions
}

// Extensions are the context extensions of a route in Envoy, of which one is
// known: the key policy. The zero value is a route without any.
type Extensions struct {
	// Policy is the value of that key, and Named tells whether there is one.
	Policy string
	Named  bool
	// Unknown tells whether there is any other key.
	Unknown bool
}

// NewRequest returns a request with these headers, by name, and Envoy's context
// extensions.
func NewRequest(method, path string, headers, extensions map[string]string) *Request {
	request := &Request{Method: method, Path: path}
	for name, value := range headers {
		request.AddHeader(name, value)
	}
	for key, value := range extensions {
		request.AddExtension(key, value)
	}
	return request
}

// AddHeader takes what a decision reads of one header. A header that came in
// several lines is added once for each.
func (r *Request) AddHeader(name, value string) {
	switch {
	case named(name, "authorization"):
		r.Authorization = append(r.Authorization, value)
	case named(name, "connection"):
		r.Connection = append(r.Connection, value)
	case named(name, "x-request-id"):
		r.ID = value
	case named(name, "origin"):
		r.Origin = append(r.Origin, value)
	case named(name, "access-control-request-method"):
		r.AsksMethod = true
	case named(name, "mcp-method"):
		r.MCPMethod = append(r.MCPMethod, value)
	case named(name, "mcp-name"):
		r.MCPName = append(r.MCPName, value)
	case named(name, "content-type"):
		r.ContentType = append(r.ContentType, value)
	case named(name, "content-encoding"):
		r.ContentEncoding = append(r.ContentEncoding, value)
	case named(name, "x-envoy-auth-partial-body"):
		r.PartialBody = append(r.PartialBody, value)
	case isIdentity(name):
		r.Identity = append(r.Identity, name)
	}
}

// named reports whether a header has that name, in any case.
func named(name, want string) bool { return len(name) == len(want) && strings.EqualFold(name, want) }

// AddExtension takes one context extension.
func (r *Request) AddExtension(key, value string) {
	if key != "policy" {
		r.Extensions.Unknown = true
		return
	}
	r.Extensions.Policy, r.Extensions.Named = value, true
}

const identityPrefix = "x-kinde-"

// isIdentity reports whether an upstream could read a header's name as
// x-kinde-…: CGI, FastCGI and PHP take every byte that is no letter and no digit
// for the same one (RFC 3875, section 4.1.18, and what servers make of it).
func isIdentity(name string) bool {
	if len(name) < len(identityPrefix) {
		return false
	}
	for i := range len(identityPrefix) {
		if folded(name[i]) != identityPrefix[i] {
			return false
		}
	}
	return true
}

// folded is the byte of a header's name in lower case, a hyphen for all that is
// no letter and no digit.
func folded(c byte) byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return c + 'a' - 'A'
	case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		return c
	default:
		return '-'
	}
}

// dropsIdentity reports whether a Connection header names an identity header,
// which a proxy behind Envoy would then remove (RFC 9110, section 7.6.1).
func (r *Request) dropsIdentity() bool {
	for _, value := range r.Connection {
		for option := range strings.SplitSeq(value, ",") {
			if isIdentity(strings.TrimSpace(option)) {
				return true
			}
		}
	}
	return false
}

// isPreflight reports whether a browser asks if a page of another origin may
// send a request (Fetch standard, CORS-preflight request). It never has a token.
func (r *Request) isPreflight() bool {
	return r.Method == "OPTIONS" && len(r.Origin) > 0 && r.AsksMethod
}

// isMethod reports whether the text is a method in upper case. HTTP/2 carries any
// text, and upstreams that upper-case what they get would take delete for DELETE.
func isMethod(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return text != ""
}
