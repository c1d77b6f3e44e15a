package extauthz

import (
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Line is one line of the headers of a request.
type Line struct{ Name, Value string }

// Sent is a request as a client sends it; its methods say what Envoy makes of it.
type Sent struct {
	Method, Path string
	Lines        []Line
	Extensions   map[string]string // of Envoy's route
}

// InMap is the CheckRequest of an Envoy without encode_raw_headers: lines of one
// name are joined with a comma, and what is not UTF-8 is replaced.
func (s Sent) InMap() *authv3.CheckRequest {
	joined := map[string]string{}
	for _, line := range s.lines() {
		value := strings.ToValidUTF8(line.Value, "!")
		if before, ok := joined[line.Name]; ok {
			value = before + "," + value
		}
		joined[line.Name] = value
	}
	check := s.check()
	check.Attributes.Request.Http.Headers = joined
	return check
}

// InList is the CheckRequest of an Envoy with encode_raw_headers.
func (s Sent) InList() *authv3.CheckRequest {
	list := &corev3.HeaderMap{}
	for _, line := range s.lines() {
		list.Headers = append(list.Headers, &corev3.HeaderValue{Key: line.Name, RawValue: []byte(line.Value)})
	}
	check := s.check()
	check.Attributes.Request.Http.HeaderMap = list
	return check
}

// lines are those of the client behind the pseudo-headers.
func (s Sent) lines() []Line {
	return append([]Line{{":authority", "api.example.com"}, {":path", s.Path}, {":method", s.Method}, {":scheme", "https"}}, s.Lines...)
}

// check is the request but for its headers.
func (s Sent) check() *authv3.CheckRequest {
	check := WithHTTP(&authv3.AttributeContext_HttpRequest{
		Id: "1234567890", Method: s.Method, Path: s.Path, Host: "api.example.com", Scheme: "https", Protocol: "HTTP/1.1",
	})
	check.Attributes.Source, check.Attributes.Destination = peer("10.0.0.1", 54321), peer("10.0.0.2", 8080)
	check.Attributes.Request.Time = timestamppb.New(time.Unix(1700000000, 0))
	check.Attributes.ContextExtensions = s.Extensions
	return check
}

func peer(ip string, port uint32) *authv3.AttributeContext_Peer {
	return &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{
		SocketAddress: &corev3.SocketAddress{Address: ip, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port}},
	}}}
}

// WithHTTP is a CheckRequest that no Envoy need have sent.
func WithHTTP(http *authv3.AttributeContext_HttpRequest) *authv3.CheckRequest {
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{Http: http}}}
}

// marshal returns the bytes of a message.
func marshal(t testing.TB, message proto.Message) []byte {
	t.Helper()
	bytes, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}
