package extauthz

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// verdicts is a verifier that knows what to say by a token's first letter.
type verdicts map[byte]kinde.Verdict

func (v verdicts) Judge(_ context.Context, token string) kinde.Verdict { return v[token[0]] }

var sampleVerdicts = verdicts{
	'a': {Token: &kinde.Token{
		Issuer:   domain,
		Actor:    kinde.User,
		Subject:  "kp_a",
		OrgCode:  "org_a",
		ID:       "j",
		Expires:  time.Unix(1700000000, 0),
		Scopes:   []string{"run", "a b"},
		Audience: []string{"x"},
		Roles:    []string{"admin"},
	}},
	'b': {Token: &kinde.Token{
		Issuer:      domain,
		Actor:       kinde.System,
		ClientID:    "ü",
		Expires:     time.Unix(1700000000, 0),
		Permissions: []string{"p,q", strings.Repeat("x", 9000)},
	}},
	'c': {Err: &kinde.Error{Reason: kinde.TokenExpired, Detail: "exp has passed"}},
	'd': {Token: &kinde.Token{Issuer: domain, ClientID: "c"}, Err: &kinde.Error{Reason: kinde.UnknownActor}},
	'e': {Err: &kinde.Error{Reason: kinde.KeysUnavailable}},
	'f': {Token: &kinde.Token{Issuer: "https://other"}},
}

// samples are one without settings and one with something of every kind.
func samples(t testing.TB) []*sample {
	t.Helper()
	var all []*sample
	for _, config := range []authz.Config{
		{},
		{Routes: []authz.Route{{Path: "/**", MCP: &authz.MCP{}}}},
		{
			Policies: map[string]authz.Policy{
				"run":  {Scopes: []string{"run"}},
				"jobs": {Actors: []kinde.Actor{kinde.System}, Permissions: []string{"jobs"}},
			},
			Routes: []authz.Route{
				{Path: "/public/*", Public: true}, {Path: "/run", Policy: "run"}, {Path: "/jobs/**", Policy: "jobs"},
				{Path: "/orgs/{org_code}"}, {Path: "/mcp", MCP: &authz.MCP{
					Tools: []authz.Tool{{Name: "get_*"}, {Name: "run", Policy: "run"}}, Origins: []string{"https://o"}, EnvoyMetadata: true,
				}}, {Path: "/**", Methods: []string{"OPTIONS"}, Public: true},
			},
			ClaimHeaders: map[string]string{"x-kinde-email": "email"}, DropAuthorization: true,
			Resources: []authz.Resource{
				{Identifier: "https://api.example.com/mcp"}, {Identifier: "https://api.example.com", Audience: []string{"x"}},
			},
		},
	} {
		config.Verifier, config.Issuers = sampleVerdicts, map[string]authz.Rules{domain: {}}
		plain, err := authz.NewAuthorizer(config)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, &sample{newAuthorizer(t, config), plain, config})
	}
	return all
}

// sampleRequests are seeds, one with something in every field that Envoy knows.
func sampleRequests() []*authv3.CheckRequest {
	get := func(path, token string) envoytest.Request {
		return envoytest.Get(path).Bearer(token).With("origin", "https://o").With("access-control-request-method", "GET")
	}
	post, options, two := get("/jobs/x", "b"), get("/x", "a"), get("/x", "a")
	post.Method, options.Method = "POST", "OPTIONS"
	two.Extensions = map[string]string{"policy": "run", "x": ""}
	all := []*authv3.CheckRequest{
		{}, fullRequest(), withToken.InMap(), tokenless.InMap(), withToken.With("X-Kinde-Actor", "user").InList(),
		tokenless.With("authorization", "Basic \xff").With("connection", "x-kinde-a").InList(),
		listed(&corev3.HeaderValue{Key: "authorization", Value: "Bearer a.b.c"}),
	}
	call := func(body string) envoytest.Request { return envoytest.Post("/mcp", body).Bearer("a") }
	const getX = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_x"}}`
	said := call("")
	said.MCP = map[string]any{
		"is_mcp_request": true, "method": "tools/call", "is_exceeding_limit": false, "params": map[string]any{"name": "run"},
	}
	both, cut := said, said
	both.Body = getX
	cut.MCP = map[string]any{"is_mcp_request": true, "method": "tools/call", "is_exceeding_limit": true}
	for _, request := range []envoytest.Request{
		call(getX).With("mcp-name", "get_x").With("mcp-method", "tools/call").With("origin", "https://o"), said, both, cut,
		call(strings.Replace(getX, "get_x", "no", 1)), call(strings.Replace(getX, "get_x", "run", 1)), call("[]"),
		call(getX).With("x-envoy-auth-partial-body", "true"),
		get("/run", "a"), get("/run", "b.c"), post, get("/public/a?b", ""), get("/orgs/org_a", "a"), get("/orgs/org_b", "a"),
		options, get("/a//b", "a"), get("/x", "c"), get("/x", "d"), get("/x", "e"), get("/x", "f"), get("/x", "g"),
		get("/.well-known/oauth-protected-resource/mcp", ""), get("/x", "a").Policy("run"), get("/x", "a").Policy("no"), two,
	} {
		all = append(all, request.InMap())
	}
	return all
}

// fullRequest has something in every field.
func fullRequest() *authv3.CheckRequest {
	full := withToken.With("x-kinde-user-id", "admin").With("x_kinde_foo", "1").
		With("connection", "close").With("Connection", "x-kinde-a").InMap()
	http := full.Attributes.Request.Http
	http.Size, http.Body, http.RawBody, http.Query, http.Fragment = -1, "b", []byte("\xff"), "q", "f"
	source := full.Attributes.Source
	source.Service, source.Principal, source.Certificate, source.Labels = "s", "p", "c", map[string]string{"a": "b"}
	deep, _ := structpb.NewStruct(map[string]any{"a": []any{1, "x", nil, map[string]any{"b": true}}})
	full.Attributes.TlsSession = &authv3.AttributeContext_TLSSession{Sni: "sni"}
	full.Attributes.MetadataContext = &corev3.Metadata{
		FilterMetadata:      map[string]*structpb.Struct{"f": deep},
		TypedFilterMetadata: map[string]*anypb.Any{"t": {TypeUrl: "u", Value: []byte{1}}},
	}
	return full
}

// Whatever bytes arrive as a CheckRequest, the service denies those that the
// generated types refuse, and decides and answers on all others as it would
// through the generated types. An allow needs exactly one bearer token, and lets
// no identity header of the client through.
func FuzzWire(f *testing.F) {
	for _, request := range sampleRequests() {
		f.Add(marshal(f, request))
	}
	f.Add([]byte("\x0a\x02\x22\xff"))
	samples := samples(f)
	server := NewServer(samples[0].shipped, zap.NewNop(), nil)
	f.Fuzz(func(t *testing.T, bytes []byte) {
		check := &authv3.CheckRequest{}
		stock := proto.Unmarshal(bytes, check)
		for _, sample := range samples {
			server.Use(sample.shipped, 1)
			answer := server.Answer(t.Context(), bytes, nil)
			if stock != nil {
				refused := authz.Denial(authz.InternalError, errWire.Error())
				assertAnswer(t, bytes, answer, &refused, func() *authv3.CheckResponse { return referenceDenial(&refused) })
				continue
			}
			request := referenceRequest(check)
			if read := (&call{}); read.read(bytes) == nil && hasMore(&read.request, request) {
				request = &read.request // the map has a key twice
			}
			got := sample.assertEqual(t, bytes, request, answer)
			reason := got.GetDynamicMetadata().GetFields()["reason"].GetStringValue()
			if got.GetStatus().GetCode() == 0 && reason != string(authz.Public) {
				assertSafe(t, request, got.GetOkResponse())
			}
		}
	})
}

// hasMore reports whether a request has more values of headers than another.
func hasMore(a, b *authz.Request) bool {
	return len(a.Authorization) > len(b.Authorization) || len(a.Connection) > len(b.Connection) ||
		len(a.Identity) > len(b.Identity) || len(a.Origin) > len(b.Origin) || len(a.MCPMethod) > len(b.MCPMethod) ||
		len(a.MCPName) > len(b.MCPName) || len(a.PartialBody) > len(b.PartialBody)
}

// assertSafe checks what must hold of every allow with an identity.
func assertSafe(t *testing.T, request *authz.Request, ok *authv3.OkHttpResponse) {
	t.Helper()
	if len(request.Authorization) != 1 ||
		!strings.EqualFold(strings.Trim(request.Authorization[0], " \t")[:7], "bearer ") {
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
