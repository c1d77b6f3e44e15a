package load

import (
	"bytes"
	"fmt"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Template is a CheckRequest as it is on the wire, with a place for a token.
// All tokens it is filled with have one length.
type Template struct {
	bytes []byte
	token int // where the token begins
}

// NewTemplate makes a template for tokens of so many bytes, a path, and so
// many headers; at least two, authorization and x-request-id, which are what
// Envoy 1.40 sends of a plain request with the project's envoy.yaml. The
// rest is modelled on what it sends too.
func NewTemplate(tokenLength int, path string, headers int) (Template, error) {
	mark := bytes.Repeat([]byte{'#'}, tokenLength)
	request := checkRequest(path, append([]byte("Bearer "), mark...), headers)
	// As Envoy does, fields in the order of their numbers.
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return Template{}, err
	}
	return Template{text, bytes.Index(text, mark)}, nil
}

// Append appends the request with the token that fill appends.
func (t Template) Append(dst []byte, fill func([]byte) []byte) []byte {
	start := len(dst)
	dst = fill(append(dst, t.bytes[:t.token]...))
	return append(dst, t.bytes[len(dst)-start:]...)
}

// Without returns a CheckRequest without a token.
func Without(path string) ([]byte, error) { return proto.Marshal(checkRequest(path, nil, 1)) }

// With returns a CheckRequest with any authorization header.
func With(path, authorization string) ([]byte, error) {
	return proto.Marshal(checkRequest(path, []byte(authorization), 2))
}

func checkRequest(path string, authorization []byte, headers int) *authv3.CheckRequest {
	var list []*corev3.HeaderValue
	add := func(name string, value []byte) {
		list = append(list, &corev3.HeaderValue{Key: name, RawValue: value})
	}
	if authorization != nil {
		add("authorization", authorization)
	}
	for i := len(list) + 1; i < headers; i++ {
		add(fmt.Sprintf("x-custom-header-%02d", i), []byte("a value of a usual length, say 40 bytes."))
	}
	add("x-request-id", []byte("24bf4693-9d94-4ccc-97e4-e51910ec5807"))
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source:      peer(36682),
		Destination: peer(8080),
		Request: &authv3.AttributeContext_Request{
			Time: &timestamppb.Timestamp{Seconds: 1795532991, Nanos: 124735000},
			Http: &authv3.AttributeContext_HttpRequest{
				Id: "2274290884077098940", Method: "GET", Path: path, Host: "127.0.0.1:8080", Scheme: "http",
				Protocol: "HTTP/1.1", HeaderMap: &corev3.HeaderMap{Headers: list},
			},
		},
		MetadataContext:      &corev3.Metadata{},
		RouteMetadataContext: &corev3.Metadata{},
	}}
}

func peer(port uint32) *authv3.AttributeContext_Peer {
	return &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{
		SocketAddress: &corev3.SocketAddress{Address: "127.0.0.1", PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port}},
	}}}
}
