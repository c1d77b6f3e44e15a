package extauthz_test

import (
	"context"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// world is a real gRPC server in front of two issuers: one that wants the
// sample audience and allows the sample organization, and one that asks for
// nothing.
type world struct {
	strict, open *kindetest.Server
	client       authv3.AuthorizationClient
}

// newWorld starts both issuers and the server.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{strict: kindetest.NewServer(), open: kindetest.NewServer()}
	t.Cleanup(w.strict.Close)
	t.Cleanup(w.open.Close)
	w.client = serve(t, kinde.Config{
		Leeway: 30 * time.Second,
		Issuers: []kinde.Issuer{
			{Domain: w.strict.Issuer.URL, Audience: []string{kindetest.Audience, "https://second.example.com"}},
			{Domain: w.open.Issuer.URL},
		},
	}, map[string]authz.Rules{
		w.strict.Issuer.URL: {AllowedOrgs: []string{kindetest.Org, "org_ab"}},
		w.open.Issuer.URL:   {},
	})
	return w
}

// serve runs a verifier and a gRPC server, and waits for the keys.
func serve(t testing.TB, config kinde.Config, rules map[string]authz.Rules) authv3.AuthorizationClient {
	t.Helper()
	return serveWith(t, config, authz.Config{Issuers: rules})
}

func serveWith(t testing.TB, config kinde.Config, policy authz.Config) authv3.AuthorizationClient {
	t.Helper()
	fetched := make(chan struct{}, 1024)
	config.InsecureHTTP = true
	config.Observer.Refreshed = func(kinde.Refresh) { fetched <- struct{}{} }
	verifier, err := kinde.NewVerifier(config)
	if err != nil {
		t.Fatal(err)
	}
	policy.Verifier, policy.CachedTokens, policy.Encode = verifier, 1000, extauthz.Encode
	authorizer, err := authz.NewAuthorizer(policy)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); verifier.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	for range config.Issuers {
		<-fetched
	}
	return dial(t, extauthz.NewServer(authorizer, zap.NewNop(), nil))
}

// dial serves over gRPC on the loopback interface and returns a client.
func dial(t testing.TB, server *extauthz.Server) authv3.AuthorizationClient {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := extauthz.NewGRPC(server)
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(s.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return authv3.NewAuthorizationClient(conn)
}

type request = envoytest.Request

// sending makes the request of an attack.
type sending func(*world) request

func bearer(token string) request { return envoytest.Get("/").Bearer(token) }

// row is one attack: its ID in docs/attacks.md and what it does, the request, and
// the reason it must get. An empty reason stands for allow.
type row struct {
	name   string
	send   sending
	reason authz.Reason
}

// attack runs rows, each in both forms in which Envoy sends headers.
func attack(t *testing.T, w *world, rows []row) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { row.try(t, w) })
	}
}

func (r row) try(t *testing.T, w *world) {
	t.Helper()
	sent := r.send(w)
	for form, check := range map[string]*authv3.CheckRequest{"map": sent.InMap(), "list": sent.InList()} {
		response, err := w.client.Check(t.Context(), check)
		if err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		if r.reason == "" {
			assertAllowed(t, form, response)
		} else {
			assertRefused(t, form, response, r.reason, sent.Headers...)
		}
	}
}

func assertAllowed(t *testing.T, form string, response *authv3.CheckResponse) {
	t.Helper()
	if response.GetStatus().GetCode() != 0 || response.GetOkResponse() == nil || response.GetDeniedResponse() != nil {
		t.Errorf("%s: denied: %s", form, response.GetDeniedResponse().GetBody())
	}
	set := map[string]bool{}
	for _, h := range response.GetOkResponse().GetHeaders() {
		set[h.GetHeader().GetKey()] = true
		appends := h.GetAppend() //nolint:staticcheck // releases in use read both
		if h.GetAppendAction() != corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD || appends == nil || appends.Value {
			t.Errorf("%s: %s does not replace", form, h.GetHeader().GetKey())
		}
		if h.GetHeader().GetValue() == "" || len(h.GetHeader().GetRawValue()) > 0 {
			t.Errorf("%s: %s arrives empty", form, h.GetHeader().GetKey())
		}
	}
	for _, name := range response.GetOkResponse().GetHeadersToRemove() {
		if set[name] {
			t.Errorf("%s: %s is set and removed", form, name)
		}
	}
	if got := response.GetDynamicMetadata().GetFields()["decision"].GetStringValue(); got != "allow" {
		t.Errorf("%s: decision %s", form, got)
	}
}

// statusOf returns the HTTP status and the error that go with a reason.
func statusOf(reason authz.Reason) (status int, body string) {
	switch reason {
	case authz.MissingToken:
		return 401, ""
	case authz.BadRequest, authz.BadPath, authz.MCPUnreadable:
		return 400, "invalid_request"
	case authz.InsufficientScope:
		return 403, "insufficient_scope"
	case authz.OrgMissing, authz.OrgNotAllowed, authz.OrgMismatch, authz.ActorNotAllowed, kinde.UnknownActor,
		authz.MissingPermission, authz.MissingRole, authz.FeatureDisabled,
		authz.UnknownPolicy, authz.NoRoute, authz.RouteDenied, authz.OriginNotAllowed, authz.ToolNotAllowed:
		return 403, "access_denied"
	case kinde.KeysUnavailable:
		return 503, "temporarily_unavailable"
	default:
		return 401, "invalid_token"
	}
}

// assertRefused checks all that a denial promises, among it that it holds no piece of
// the headers that were sent.
func assertRefused(
	t *testing.T, form string, response *authv3.CheckResponse, want authz.Reason, sent ...envoytest.Header,
) {
	t.Helper()
	denied := response.GetDeniedResponse()
	if response.GetStatus().GetCode() == 0 || denied == nil {
		t.Fatalf("%s: allowed, want %s", form, want)
	}
	var body struct {
		Error  string       `json:"error"`
		Reason authz.Reason `json:"reason"`
	}
	if err := json.Unmarshal([]byte(denied.GetBody()), &body); err != nil {
		t.Fatal(err)
	}
	status, wantError := statusOf(want)
	if body.Reason != want || body.Error != wantError || int(denied.GetStatus().GetCode()) != status {
		t.Errorf("%s: got %d %s %s, want %d %s %s",
			form, denied.GetStatus().GetCode(), body.Error, body.Reason, status, wantError, want)
	}
	challenge := ""
	for _, h := range denied.GetHeaders() {
		if h.GetHeader().GetKey() == "www-authenticate" {
			challenge = h.GetHeader().GetValue()
		}
		if strings.HasPrefix(h.GetHeader().GetKey(), "x-kinde") {
			t.Errorf("%s: the denial holds %s", form, h.GetHeader().GetKey())
		}
	}
	challenged := status == 401 || wantError == "insufficient_scope"
	if challenged != strings.HasPrefix(challenge, `Bearer realm="`) ||
		challenged && wantError != "" != strings.Contains(challenge, `error="`+wantError+`"`) {
		t.Errorf("%s: challenge %q", form, challenge)
	}
	assertNoEcho(t, form, response.String(), sent)
}

// assertNoEcho looks for pieces of what was sent in what came back.
func assertNoEcho(t *testing.T, form, response string, sent []envoytest.Header) {
	t.Helper()
	for _, h := range sent {
		for piece := range strings.FieldsFuncSeq(h.Value, func(r rune) bool { return r == '.' || r == ' ' || r == ',' }) {
			if len(piece) >= 16 && strings.Contains(response, piece) {
				t.Errorf("%s: the answer echoes %q", form, piece)
			}
		}
	}
}
