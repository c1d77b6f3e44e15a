package extauthz

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/protobuf/proto"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde"
)

const domain = "https://t.kinde.com"

// verifierFunc is a verifier that a test scripts.
type verifierFunc func() (*kinde.Token, error)

func (f verifierFunc) Judge(context.Context, string) kinde.Verdict {
	token, err := f()
	return kinde.Verdict{Token: token, Err: err}
}

// newAuthorizer returns one for this package's server and tokens of the domain.
func newAuthorizer(t testing.TB, config authz.Config) *authz.Authorizer {
	t.Helper()
	config.Encode, config.Issuers = Encode, map[string]authz.Rules{domain: {}}
	authorizer, err := authz.NewAuthorizer(config)
	if err != nil {
		t.Fatal(err)
	}
	return authorizer
}

func newTestServer(t *testing.T, verify verifierFunc) (*Server, *lines) {
	t.Helper()
	logs := &lines{}
	return NewServer(newAuthorizer(t, authz.Config{Verifier: verify}), logTo(logs, zap.DebugLevel), nil), logs
}

func logTo(out zapcore.WriteSyncer, level zapcore.Level) *zap.Logger {
	encoder := zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "msg"})
	return zap.New(zapcore.NewCore(encoder, out, level))
}

// lines is the log of a server, as it is written: fields are not kept.
type lines struct{ bytes.Buffer }

func (l *lines) Sync() error { return nil }

// all returns the lines so far.
func (l *lines) all(t *testing.T) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(l.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		all = append(all, fields)
	}
	return all
}

// ask sends a request as Envoy does, in bytes.
func ask(t *testing.T, server *Server, check *authv3.CheckRequest) *authv3.CheckResponse {
	t.Helper()
	response := &authv3.CheckResponse{}
	if err := proto.Unmarshal(server.Answer(t.Context(), marshal(t, check), nil), response); err != nil {
		t.Fatal(err)
	}
	return response
}

// Requests with and without a token.
var (
	tokenless = envoytest.Get("/a?secret=1")
	withToken = tokenless.Bearer("a.b.c").With("x-request-id", "r1")
)

// marshal returns the bytes of a message.
func marshal(t testing.TB, message proto.Message) []byte {
	t.Helper()
	bytes, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

func TestWhateverGoesWrongIsDenied(t *testing.T) {
	for name, test := range map[string]struct {
		check  *authv3.CheckRequest
		verify verifierFunc
		want   authz.Reason
		status int32
	}{
		"U1 a nil request":    {nil, user, authz.MissingToken, 401},
		"U1 no attributes":    {&authv3.CheckRequest{}, user, authz.MissingToken, 401},
		"U1 empty attributes": {&authv3.CheckRequest{Attributes: &authv3.AttributeContext{}}, user, authz.MissingToken, 401},
		"U1 no HTTP request": {
			&authv3.CheckRequest{Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{}}},
			user,
			authz.MissingToken,
			401,
		},
		"U2 an empty header in the list": {listed(&corev3.HeaderValue{}), user, authz.MissingToken, 401},
		"U8 a panic": {
			withToken.InMap(), func() (*kinde.Token, error) { panic("fault") }, authz.InternalError, 500,
		},
		"U8 neither a token nor an error": {
			withToken.InMap(), func() (*kinde.Token, error) { return nil, nil }, authz.InternalError, 500,
		},
		"U8 an error of another kind": {
			withToken.InMap(), func() (*kinde.Token, error) { return nil, errors.New("x") }, authz.InternalError, 500,
		},
		"U8 an error without a reason": {
			withToken.InMap(), func() (*kinde.Token, error) { return nil, &kinde.Error{} }, authz.InternalError, 500,
		},
		"U8 an error that says allowed": {
			withToken.InMap(),
			func() (*kinde.Token, error) { return nil, &kinde.Error{Reason: authz.Allowed} },
			authz.InternalError,
			500,
		},
		"U8 a zero token": {
			withToken.InMap(), func() (*kinde.Token, error) { return &kinde.Token{}, nil }, kinde.WrongIssuer, 401,
		},
		"U8 a token of no actor": {
			withToken.InMap(),
			func() (*kinde.Token, error) { return &kinde.Token{Issuer: domain}, nil },
			kinde.UnknownActor,
			403,
		},
		"U8 a token of an issuer without rules": {withToken.InMap(), func() (*kinde.Token, error) {
			return &kinde.Token{Issuer: "https://other", Actor: kinde.User}, nil
		}, kinde.WrongIssuer, 401},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := newTestServer(t, test.verify)
			assertDenied(t, ask(t, server, test.check), test.want, test.status)
		})
	}
}

// listed is a request with these headers alone, which Envoy need not have sent.
func listed(headers ...*corev3.HeaderValue) *authv3.CheckRequest {
	check := tokenless.InList()
	check.Attributes.Request.Http.HeaderMap.Headers = headers
	return check
}

func assertDenied(t *testing.T, response *authv3.CheckResponse, want authz.Reason, status int32) {
	t.Helper()
	denied := response.GetDeniedResponse()
	if response.GetStatus().GetCode() == 0 || denied == nil || response.GetOkResponse() != nil {
		t.Fatalf("not a denial: %v", response)
	}
	var body struct{ Reason authz.Reason }
	if err := json.Unmarshal([]byte(denied.GetBody()), &body); err != nil {
		t.Fatal(err)
	}
	inMetadata := authz.Reason(response.GetDynamicMetadata().GetFields()["reason"].GetStringValue())
	if body.Reason != want || inMetadata != want || int32(denied.GetStatus().GetCode()) != status {
		t.Errorf("got %s in the body, %s in the metadata, status %d: want %s, %d",
			body.Reason, inMetadata, denied.GetStatus().GetCode(), want, status)
	}
}

// Attack U9: nothing but a decision that was made is answered with OK.
func TestZeroDecisionIsADenial(t *testing.T) {
	allowed := func(a *authz.Authorizer) authz.Decision {
		return a.Decide(t.Context(), &authz.Request{Authorization: []string{"Bearer a.b.c"}})
	}
	shipped := newAuthorizer(t, authz.Config{Verifier: verifierFunc(user)})
	plain, err := authz.NewAuthorizer(authz.Config{
		Verifier: verifierFunc(user),
		Issuers:  map[string]authz.Rules{domain: {}},
	})
	if err != nil {
		t.Fatal(err)
	}
	changed := allowed(shipped)
	changed.Reason = "new_reason"
	for name, d := range map[string]authz.Decision{
		"zero": {}, "a reason alone": {Reason: authz.Allowed}, "an unknown reason": {Reason: "new_reason"},
		"an allow whose reason was changed": changed, "an allow without an encoder": allowed(plain),
	} {
		t.Run(name, func(t *testing.T) {
			id := authz.Denial(authz.InternalError, "").ID
			d.ID = id
			response := &authv3.CheckResponse{}
			if err := proto.Unmarshal(appendAnswer(nil, &d), response); err != nil {
				t.Fatal(err)
			}
			assertDenied(t, response, authz.InternalError, 500)
			if d.Allowed() || d.Reason != authz.InternalError || d.ID != id {
				t.Errorf("it is logged as allowed %t for %q with the ID %s", d.Allowed(), d.Reason, d.ID)
			}
		})
	}
	if d := allowed(shipped); !d.Allowed() {
		t.Errorf("the one that was not changed is denied for %s", d.Reason)
	}
}

// Attack U9: the log must say what Envoy was told.
func TestAnAllowThatCannotBeAnsweredIsLoggedAsADenial(t *testing.T) {
	plain, err := authz.NewAuthorizer(authz.Config{
		Verifier: verifierFunc(user),
		Issuers:  map[string]authz.Rules{domain: {}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server, logs := newTestServer(t, user)
	server.Use(plain, 0)
	assertDenied(t, ask(t, server, withToken.InMap()), authz.InternalError, 500)
	if all := logs.all(t); len(all) != 1 || all[0]["decision"] != "deny" || all[0]["reason"] != "internal_error" {
		t.Errorf("logged %s", logs)
	}
}

// Attack W1: a panic is logged without the token.
func TestPanicIsLoggedWithoutTheToken(t *testing.T) {
	server, logs := newTestServer(t, func() (*kinde.Token, error) { panic("fault") })
	ask(t, server, withToken.InMap())
	if all := logs.all(t); len(all) != 1 || all[0]["msg"] != "a call panicked" ||
		strings.Contains(logs.String(), "a.b.c") {
		t.Errorf("logged %s, want one line that tells of the panic", logs)
	}
}

// Attack U7: where Envoy passes on what a client sent, unchecked, the message may
// be none.
func TestWhatIsNoCheckRequestIsDenied(t *testing.T) {
	server, logs := newTestServer(t, nil)
	sni := message(1, message(12, message(1, []byte("\xff.example.com")))) // attributes, tls_session, sni
	for _, bytes := range [][]byte{sni, []byte("\x0a\x02\x22\xff"), {0x80}} {
		response := &authv3.CheckResponse{}
		if err := proto.Unmarshal(server.Answer(t.Context(), bytes, nil), response); err != nil {
			t.Fatal(err)
		}
		assertDenied(t, response, authz.InternalError, 500)
	}
	if all := logs.all(t); len(all) != 3 || all[0]["detail"] != "the message is not a CheckRequest" {
		t.Errorf("logged %s", logs)
	}
}

// Attack U8: a panic behind the decision is a denial.
func TestFaultsOfTheObserverAreDenials(t *testing.T) {
	server := NewServer(newAuthorizer(t,
		authz.Config{Verifier: verifierFunc(nil)}), zap.NewNop(), func(context.Context, *Observation) {
		panic("fault")
	})
	assertDenied(t, ask(t, server, tokenless.InMap()), authz.InternalError, 500)
}

func TestDecisionIsOneLineInTheLog(t *testing.T) {
	server, logs := newTestServer(t, func() (*kinde.Token, error) {
		return &kinde.Token{Issuer: domain, Actor: kinde.System, ClientID: "c", OrgCode: "org_a"}, nil
	})
	response := ask(t, server, withToken.InMap())
	all := logs.all(t)
	if len(all) != 1 {
		t.Fatalf("%d lines, want 1", len(all))
	}
	got := all[0]
	if ms, ok := got["duration_ms"].(float64); !ok || ms <= 0 || ms > 10_000 {
		t.Errorf("duration_ms is %v", got["duration_ms"])
	}
	delete(got, "duration_ms")
	delete(got, "msg")
	for field, want := range map[string]any{
		"decision": "allow", "reason": "allowed", "actor": "system", "org_code": "org_a", "policy": "default",
		"method": "GET", "path": "/a", "x-request-id": "r1",
		"issuer": domain, "client_id": "c",
		"decision_id": response.GetDynamicMetadata().GetFields()["decision_id"].GetStringValue(),
	} {
		if got[field] != want {
			t.Errorf("%s is %v, want %v", field, got[field], want)
		}
		delete(got, field)
	}
	if len(got) > 0 {
		t.Errorf("fields that nobody asked for: %v", got)
	}
}

func TestDenialsAreLoggedAtEveryLevel(t *testing.T) {
	for _, level := range []zapcore.Level{zap.DebugLevel, zap.InfoLevel, zap.WarnLevel, zap.ErrorLevel, zap.FatalLevel} {
		logs := &lines{}
		authorizer := newAuthorizer(t, authz.Config{Verifier: verifierFunc(user)})
		server := NewServer(authorizer, logTo(logs, level), nil)
		ask(t, server, withToken.InMap())
		allows := strings.Count(logs.String(), `"allowed"`)
		if want := level <= zap.InfoLevel; allows == 1 != want || allows > 1 {
			t.Errorf("at %s: %d allows are logged", level, allows)
		}
		ask(t, server, tokenless.InMap())
		if n := strings.Count(logs.String(), `"missing_token"`); n != 1 {
			t.Errorf("at %s: %d denials are logged", level, n)
		}
	}
}

func TestTheLogNamesWhatIsMissing(t *testing.T) {
	token := &kinde.Token{
		Issuer:      domain,
		Actor:       kinde.User,
		Subject:     "u",
		ClientID:    "c",
		Scopes:      []string{"a"},
		Permissions: []string{"p"},
	}
	for name, test := range map[string]struct {
		policy authz.Policy
		reason authz.Reason
		want   []any
	}{
		"scopes": {authz.Policy{Scopes: []string{"b", "a", "c"}}, authz.InsufficientScope, []any{"b", "c"}},
		"permissions": {
			authz.Policy{Scopes: []string{"a"}, Permissions: []string{"q"}, Roles: []string{"r"}},
			authz.MissingPermission,
			[]any{"q"},
		},
		"roles": {authz.Policy{Roles: []string{"r"}}, authz.MissingRole, []any{"r"}},
		"flags": {
			authz.Policy{FeatureFlags: map[string]kinde.FlagValue{"f": kinde.BoolFlag(true)}},
			authz.FeatureDisabled,
			[]any{"f"},
		},
		"actors": {authz.Policy{Actors: []kinde.Actor{kinde.System}}, authz.ActorNotAllowed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			logs := &lines{}
			authorizer := newAuthorizer(t, authz.Config{
				Policies: map[string]authz.Policy{"default": test.policy},
				Verifier: verifierFunc(func() (*kinde.Token, error) { return token, nil }),
			})
			server := NewServer(authorizer, logTo(logs, zap.InfoLevel), nil)
			assertDenied(t, ask(t, server, withToken.InMap()), test.reason, 403)
			got, _ := logs.all(t)[0]["missing"].([]any)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLogAndMetricsSayTheReasonOfTheAnswer(t *testing.T) {
	server, logs := newTestServer(t, func() (*kinde.Token, error) { return nil, &kinde.Error{Reason: "new_reason"} })
	ask(t, server, withToken.InMap())
	if got := logs.all(t)[0]["reason"]; got != string(authz.InternalError) {
		t.Errorf("logged %v", got)
	}
}

func TestAllowsCanBeLeftOutOfTheLog(t *testing.T) {
	server, logs := newTestServer(t, user)
	const calls = 2000
	for share, want := range map[float64][2]int{1: {calls, calls}, 0: {0, 0}, 0.5: {calls / 3, calls * 2 / 3}} {
		server.Use(server.Authorizer(), share)
		logs.Reset()
		for range calls {
			ask(t, server, withToken.InMap())
		}
		if got := len(logs.all(t)); got < want[0] || got > want[1] {
			t.Errorf("a share of %g: %d lines of %d", share, got, calls)
		}
	}
	server.Use(server.Authorizer(), 0)
	logs.Reset()
	ask(t, server, tokenless.InMap())
	if len(logs.all(t)) != 1 {
		t.Error("a denial is not logged")
	}
}
