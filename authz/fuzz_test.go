package authz

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// Whatever bytes arrive as a CheckRequest, the answer is a decision; and when
// every token is good, an allow still needs exactly one bearer token, and lets
// no identity header of the client through.
func FuzzCheck(f *testing.F) {
	seed := func(request *authv3.CheckRequest) {
		bytes, err := proto.Marshal(request)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes)
	}
	seed(&authv3.CheckRequest{})
	seed(checkWith(bearer))
	seed(checkWith(map[string]string{"authorization": "Bearer a.b.c", "x-kinde-user-id": "admin", "x_kinde_foo": "1", "connection": "close"}))
	seed(rawCheck(&corev3.HeaderValue{Key: "authorization", RawValue: []byte("Bearer a.b.c")}, &corev3.HeaderValue{Key: "X-Kinde-Actor", Value: "user"}))
	seed(rawCheck(&corev3.HeaderValue{Key: "authorization", RawValue: []byte("Basic \xff")}, &corev3.HeaderValue{Key: "connection", Value: "x-kinde-a"}))
	f.Add([]byte("\x0a\x02\x22\xff"))

	authorizer, err := NewAuthorizer(Config{Issuers: map[string]Rules{domain: {}}, Verifier: verifierFunc(func() (*kinde.Token, error) {
		return &kinde.Token{Issuer: domain, Actor: kinde.User, Subject: "kp_a", Expires: time.Unix(1700000000, 0)}, nil
	})})
	if err != nil {
		f.Fatal(err)
	}
	server := NewServer(authorizer, zap.NewNop(), nil)
	f.Fuzz(func(t *testing.T, bytes []byte) {
		request := &authv3.CheckRequest{}
		if proto.Unmarshal(bytes, request) != nil {
			return
		}
		response, err := server.Check(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := proto.Marshal(response); err != nil {
			t.Fatal(err)
		}
		if response.GetStatus().GetCode() != 0 {
			if response.GetDeniedResponse().GetStatus().GetCode() < 400 {
				t.Fatalf("denied with status %d", response.GetDeniedResponse().GetStatus().GetCode())
			}
			return
		}
		assertSafe(t, newRequest(request), response.GetOkResponse())
	})
}

// assertSafe checks what must hold of every allow.
func assertSafe(t *testing.T, request *Request, ok *authv3.OkHttpResponse) {
	t.Helper()
	if len(request.Authorization) != 1 || !strings.EqualFold(strings.Trim(request.Authorization[0], " \t")[:7], "bearer ") {
		t.Fatalf("allowed with the credentials %q", request.Authorization)
	}
	set := map[string]bool{}
	for _, h := range ok.GetHeaders() {
		set[h.GetHeader().GetKey()] = true
	}
	for _, name := range request.Identity {
		if !set[strings.ToLower(name)] && !slices.Contains(ok.GetHeadersToRemove(), name) {
			t.Fatalf("%q reaches the upstream", name)
		}
	}
	for _, name := range ok.GetHeadersToRemove() {
		if set[strings.ToLower(name)] {
			t.Fatalf("%q is set and removed", name)
		}
	}
}
