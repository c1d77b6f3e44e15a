package extauthz

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/assertion"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// asEnvoy is a request as Envoy sends it with the project's configuration.
func asEnvoy(t testing.TB, path, token string) []byte {
	t.Helper()
	request := envoytest.Get(path).Bearer(token).With("x-request-id", "5a2a1f0e-6d9c-4f0a-9a39-6f8f5ad1d0a1")
	return marshal(t, request.InList())
}

// asToolCall is a call of a tool in a body of 1 KiB, as Envoy sends it.
func asToolCall(t testing.TB, path, token string) []byte {
	t.Helper()
	const body = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_forecast","arguments":{` +
		`"city":"Lisbon","days":5,"units":{"wind":"km/h","temperature":"C"},"fields":["rain","wind","uv"],"note":"%s"}}}`
	request := envoytest.Post(path, fmt.Sprintf(body, strings.Repeat("All of it, please. ", 43))).Bearer(token).
		With("x-request-id", "5a2a1f0e-6d9c-4f0a-9a39-6f8f5ad1d0a1").With("mcp-method", "tools/call").
		With("mcp-name", "get_forecast")
	if n := len(request.Body); n < 1000 || n > 1<<10 {
		t.Fatalf("a body of %d bytes", n)
	}
	return marshal(t, request.InList())
}

// newWarm returns a server that remembers its tokens and logs each decision, and
// the issuer of those.
func newWarm(t testing.TB, log *zap.Logger, resources ...authz.Resource) (*Server, *kindetest.Server) {
	t.Helper()
	return newWarmWith(t, log, authz.Config{Resources: resources})
}

// withAssertion has allows signed.
func withAssertion(t testing.TB) authz.Config {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := assertion.ParseKeys(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return authz.Config{Assertion: &authz.Assertion{
		Audience: "https://agents", Issuer: "kinde-authz", Lifetime: time.Minute,
		Keys: func() *assertion.Keys { return keys },
	}}
}

// newWarmWith is newWarm with more in its configuration.
func newWarmWith(t testing.TB, log *zap.Logger, config authz.Config) (*Server, *kindetest.Server) {
	t.Helper()
	issuer, verifier := envoytest.Issuer(t, kindetest.Audience)
	config.Verifier, config.Encode, config.CachedTokens = verifier, Encode, 1000
	config.Issuers = map[string]authz.Rules{issuer.Issuer.URL: {AllowedOrgs: []string{kindetest.Org}}}
	config.Policies = map[string]authz.Policy{"run": {Permissions: []string{"agents:run"}, Roles: []string{"admin"}}}
	config.Routes = []authz.Route{
		{Path: "/public/**", Public: true}, {Path: "/api/agents/{agent}/generate", Policy: "run"},
		{Path: "/mcp/weather", Policy: "run", MCP: &authz.MCP{Tools: []authz.Tool{
			{Name: "delete_station", Policy: "run"}, {Name: "get_*", Policy: "run"},
		}}},
	}
	authorizer, err := authz.NewAuthorizer(config)
	if err != nil {
		t.Fatal(err)
	}
	return NewServer(authorizer, log, nil), issuer
}

// toNowhere is a log that is written and thrown away.
func toNowhere() *zap.Logger {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(io.Discard), zap.InfoLevel))
}

const sampleAgent = "/api/agents/weather/generate?x=1"

func TestWarmDecisionsAllocateNothing(t *testing.T) {
	server, l := newWarm(t, toNowhere())
	apis, other := newWarm(t, toNowhere(), authz.Resource{Identifier: "https://a.example.com"},
		authz.Resource{Identifier: "https://a.example.com/api", Audience: []string{"https://x", kindetest.Audience}})
	asserting, third := newWarmWith(t, toNowhere(), withAssertion(t))
	for name, row := range map[string]struct {
		server *Server
		token  string
	}{
		"user":                 {server, l.Token(l.UserClaims())},
		"denied":               {server, l.Token(l.MachineClaims())},
		"expired":              {server, l.Token(l.UserClaims().With("exp", 1).With("iat", 1))},
		"user at a resource":   {apis, other.Token(other.UserClaims())},
		"denied at a resource": {apis, other.Token(other.MachineClaims())},
		"with an assertion":    {asserting, third.Token(third.UserClaims())},
	} {
		message, out := asEnvoy(t, sampleAgent, row.token), make([]byte, 0, answerBytes)
		decide := func() { row.server.Answer(t.Context(), message, out) }
		decide()
		if n := testing.AllocsPerRun(1000, decide); n != 0 && !raceEnabled {
			t.Errorf("%s: %g allocations", name, n)
		}
	}
	message, out := asToolCall(t, "/mcp/weather", l.Token(l.UserClaims())), make([]byte, 0, answerBytes)
	call := func() { server.Answer(t.Context(), message, out) }
	if answer := server.Answer(t.Context(), message, nil); !strings.Contains(string(answer), "allowed") {
		t.Errorf("a call of a tool: %q", answer)
	}
	if n := testing.AllocsPerRun(1000, call); n != 0 && !raceEnabled {
		t.Errorf("a call of a tool: %g allocations", n)
	}
}

// BenchmarkAnswer is a whole decision in process: parse, look up, policy, log,
// answer.
func BenchmarkAnswer(b *testing.B) {
	server, l := newWarm(b, toNowhere())
	quiet := NewServer(server.Authorizer(), zap.NewNop(), nil)
	broken := func(kind string) string {
		token, err := l.Broken(kind)
		if err != nil {
			b.Fatal(err)
		}
		return token
	}
	good := l.Token(l.UserClaims())
	asserting, other := newWarmWith(b, zap.NewNop(), withAssertion(b))
	for _, row := range []struct {
		name, token string
		server      *Server
	}{
		{"warm", good, quiet},
		{"warm_logged", good, server},
		{"warm_asserted", other.Token(other.UserClaims()), asserting},
		{"bad_signature", broken("bad-signature"), quiet},
		{"expired", broken("expired"), quiet},
		{"wrong_audience", broken("wrong-audience"), quiet},
		{"malformed", "k_live_0123456789abcdef", quiet},
		{"wrong_issuer", broken("wrong-issuer"), quiet},
		{"missing", "", quiet},
	} {
		b.Run(row.name, func(b *testing.B) {
			message, out := asEnvoy(b, sampleAgent, row.token), make([]byte, 0, answerBytes)
			b.ReportAllocs()
			for b.Loop() {
				row.server.Answer(b.Context(), message, out)
			}
		})
	}
	for name, path := range map[string]string{"warm_mcp": "/mcp/weather", "warm_body": sampleAgent} {
		b.Run(name, func(b *testing.B) { // the same request, where its message is read and where it is not
			message, out := asToolCall(b, path, good), make([]byte, 0, answerBytes)
			b.ReportAllocs()
			for b.Loop() {
				quiet.Answer(b.Context(), message, out)
			}
		})
	}
	b.Run("cold", func(b *testing.B) {
		messages := make([][]byte, 3000) // more than are remembered
		for i := range messages {
			messages[i] = asEnvoy(b, sampleAgent, l.Sign(l.UserClaims().With("sub", fmt.Sprintf("kp_%032d", i))))
		}
		out := make([]byte, 0, answerBytes)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			quiet.Answer(b.Context(), messages[i%len(messages)], out)
		}
	})
}

// BenchmarkParts is what a warm decision is made of.
func BenchmarkParts(b *testing.B) {
	server, l := newWarm(b, toNowhere())
	a, token := server.Authorizer(), l.Token(l.UserClaims())
	message, out := asEnvoy(b, sampleAgent, token), make([]byte, 0, answerBytes)
	c := &call{}
	if err := c.read(message); err != nil {
		b.Fatal(err)
	}
	decision := a.Decide(b.Context(), &c.request)
	for _, part := range []struct {
		name string
		do   func()
	}{
		{"read", func() { c := calls.Get().(*call); _ = c.read(message); c.release() }},
		{"decide", func() { a.Decide(b.Context(), &c.request) }},
		{"encode", func() { appendAnswer(out, &decision) }},
	} {
		b.Run(part.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				part.do()
			}
		})
	}
}
