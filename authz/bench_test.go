package authz

import (
	"fmt"
	"io"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// asEnvoy is a request as Envoy sends it with the project's configuration.
func asEnvoy(t testing.TB, path, token string) []byte {
	t.Helper()
	peer := func(ip string, port uint32) *authv3.AttributeContext_Peer {
		return &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{Address: ip, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port}}}}}
	}
	list := &corev3.HeaderMap{}
	for _, h := range [][2]string{{":authority", "api.example.com"}, {":path", path}, {":method", "GET"}, {":scheme", "https"}, {"authorization", "Bearer " + token}, {"x-request-id", "5a2a1f0e-6d9c-4f0a-9a39-6f8f5ad1d0a1"}} {
		list.Headers = append(list.Headers, &corev3.HeaderValue{Key: h[0], RawValue: []byte(h[1])})
	}
	message, err := proto.Marshal(&authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: peer("10.0.0.1", 54321), Destination: peer("10.0.0.2", 8080),
		Request: &authv3.AttributeContext_Request{Time: timestamppb.Now(), Http: &authv3.AttributeContext_HttpRequest{
			Id: "1234567890", Method: "GET", Path: path, Host: "api.example.com", Scheme: "https", Protocol: "HTTP/1.1", HeaderMap: list,
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// warm is a server that remembers its tokens and logs each decision to nowhere.
func warm(t testing.TB, config Config) (*Server, *lab) {
	l := newLab(t)
	encoder := zap.NewProductionEncoderConfig()
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoder), zapcore.AddSync(io.Discard), zap.InfoLevel))
	return NewServer(l.authorizer(t, 1000, config), log, nil), l
}

func demandingConfig() Config {
	return Config{
		Policies: map[string]Policy{"run": {Permissions: []string{"agents:run"}, Roles: []string{"admin"}}},
		Routes:   []Route{{Path: "/public/**", Public: true}, {Path: "/api/agents/{agent}/generate", Policy: "run"}},
	}
}

const sampleAgent = "/api/agents/weather/generate?x=1"

func TestWarmDecisionsAllocateNothing(t *testing.T) {
	server, l := warm(t, demandingConfig())
	for name, token := range map[string]string{"user": l.Token(l.UserClaims()), "denied": l.Token(l.MachineClaims()), "expired": l.Token(l.UserClaims().With("exp", 1).With("iat", 1))} {
		message, out := asEnvoy(t, sampleAgent, token), make([]byte, 0, answerBytes)
		decide := func() {
			server.Answer(t.Context(), message, out)
		}
		decide()
		if n := testing.AllocsPerRun(1000, decide); n != 0 && !raceEnabled {
			t.Errorf("%s: %g allocations", name, n)
		}
	}
}

// BenchmarkAnswer is a whole decision in process: parse, look up, policy, log,
// answer.
func BenchmarkAnswer(b *testing.B) {
	server, l := warm(b, demandingConfig())
	quiet, _ := warm(b, demandingConfig())
	quiet.Use(server.Authorizer())
	quiet.decisions = decisionLogs(zap.NewNop())
	broken := func(kind string) string {
		token, err := l.Broken(kind)
		if err != nil {
			b.Fatal(err)
		}
		return token
	}
	good := l.Token(l.UserClaims())
	for _, row := range []struct {
		name, token string
		server      *Server
	}{
		{"warm", good, quiet}, {"warm_logged", good, server}, {"bad_signature", broken("bad-signature"), quiet}, {"expired", broken("expired"), quiet},
		{"wrong_audience", broken("wrong-audience"), quiet}, {"malformed", "k_live_0123456789abcdef", quiet}, {"wrong_issuer", broken("wrong-issuer"), quiet}, {"missing", "", quiet},
	} {
		b.Run(row.name, func(b *testing.B) {
			message, out := asEnvoy(b, sampleAgent, row.token), make([]byte, 0, answerBytes)
			b.ReportAllocs()
			for b.Loop() {
				row.server.Answer(b.Context(), message, out)
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
	server, l := warm(b, demandingConfig())
	a, token := server.Authorizer(), l.Token(l.UserClaims())
	message, out := asEnvoy(b, sampleAgent, token), make([]byte, 0, answerBytes)
	verdict := l.verifier.Judge(b.Context(), token)
	c := &check{}
	if err := c.read(message); err != nil {
		b.Fatal(err)
	}
	decision := a.Decide(b.Context(), &c.request)
	for _, part := range []struct {
		name string
		do   func()
	}{
		{"read", func() { c := checks.Get().(*check); _ = c.read(message); c.release() }},
		{"route", func() { a.route(&c.request) }},
		{"lookup", func() { a.identify(b.Context(), token) }},
		{"decide", func() { a.Decide(b.Context(), &c.request) }},
		{"encode", func() { appendAnswer(out, &decision) }},
		{"verify", func() { l.verifier.Judge(b.Context(), token) }},
		{"identity", func() { a.identity(&verdict) }},
		{"clock", func() { _ = time.Now() }},
	} {
		b.Run(part.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				part.do()
			}
		})
	}
}
