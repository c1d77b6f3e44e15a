// Package envoytest makes CheckRequests as Envoy sends them, for tests.
package envoytest

import (
	"slices"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Header is one line of the headers of a request.
type Header struct{ Name, Value string }

// Request is a request of a client; its methods say what Envoy makes of it.
type Request struct {
	Method, Path string
	Headers      []Header
	Extensions   map[string]string // context_extensions of Envoy's route
	Body         string            // as with_request_body with pack_as_bytes sends it
	Text         string            // as without pack_as_bytes
	MCP          map[string]any    // the metadata of Envoy's MCP filter
}

// New is a request without headers.
func New(method, path string) Request { return Request{Method: method, Path: path} }

// Get is a GET request without headers.
func Get(path string) Request { return New("GET", path) }

// With is the request with one header more.
func (r Request) With(name, value string) Request {
	r.Headers = append(slices.Clip(r.Headers), Header{name, value})
	return r
}

// Bearer is the request with a token.
func (r Request) Bearer(token string) Request { return r.With("authorization", "Bearer "+token) }

// Policy is the request on a route for which Envoy names that policy.
func (r Request) Policy(name string) Request {
	r.Extensions = map[string]string{"policy": name}
	return r
}

// Post is a request with a body, which Envoy sends as bytes.
func Post(path, body string) Request {
	r := New("POST", path).With("content-type", "application/json")
	if body != "" { // Envoy says nothing of no body
		r = r.With("x-envoy-auth-partial-body", "false")
	}
	r.Body = body
	return r
}

// InMap is the CheckRequest of an Envoy without encode_raw_headers: values of one
// name are joined with a comma, and what is not UTF-8 is replaced.
func (r Request) InMap() *authv3.CheckRequest {
	check, headers := r.check(), map[string]string{}
	for _, h := range r.lines() {
		value := strings.ToValidUTF8(h.Value, "!")
		if before, ok := headers[h.Name]; ok {
			value = before + "," + value
		}
		headers[h.Name] = value
	}
	check.Attributes.Request.Http.Headers = headers
	return check
}

// InList is the CheckRequest of an Envoy with encode_raw_headers.
func (r Request) InList() *authv3.CheckRequest {
	check, headers := r.check(), &corev3.HeaderMap{}
	for _, h := range r.lines() {
		headers.Headers = append(headers.Headers, &corev3.HeaderValue{Key: h.Name, RawValue: []byte(h.Value)})
	}
	check.Attributes.Request.Http.HeaderMap = headers
	return check
}

// lines are the headers behind the pseudo-headers.
func (r Request) lines() []Header {
	pseudo := []Header{{":authority", "api.example.com"}, {":path", r.Path}, {":method", r.Method}, {":scheme", "https"}}
	return append(pseudo, r.Headers...)
}

// check is the request but for its headers.
func (r Request) check() *authv3.CheckRequest {
	http := &authv3.AttributeContext_HttpRequest{
		Id: "1234567890", Method: r.Method, Path: r.Path, Host: "api.example.com", Scheme: "https", Protocol: "HTTP/1.1",
	}
	http.RawBody, http.Body = []byte(r.Body), r.Text
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		MetadataContext: r.metadata(),
		Source:          peer("10.0.0.1", 54321), Destination: peer("10.0.0.2", 8080), ContextExtensions: r.Extensions,
		Request: &authv3.AttributeContext_Request{Time: timestamppb.New(time.Unix(1700000000, 0)), Http: http},
	}}
}

func (r Request) metadata() *corev3.Metadata {
	if r.MCP == nil {
		return nil
	}
	said, err := structpb.NewStruct(r.MCP)
	if err != nil {
		panic(err) // a test says what no Struct can hold
	}
	return &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{"envoy.filters.http.mcp": said}}
}

func peer(ip string, port uint32) *authv3.AttributeContext_Peer {
	address := &corev3.SocketAddress{Address: ip, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port}}
	return &authv3.AttributeContext_Peer{
		Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: address}},
	}
}
