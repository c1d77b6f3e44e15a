package authz

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/protobuf/proto"

	"github.com/kinde-authz/kinde-authz/kinde"
)

const domain = "https://t.kinde.com"

// verifierFunc is a verifier that a test scripts.
type verifierFunc func() (*kinde.Token, error)

func (f verifierFunc) Judge(context.Context, string) kinde.Verdict {
	token, err := f()
	return kinde.Verdict{Token: token, Err: err}
}

func newTestServer(t *testing.T, verify verifierFunc) (*Server, *lines) {
	t.Helper()
	authorizer, err := NewAuthorizer(Config{Verifier: verify, Issuers: map[string]Rules{domain: {}}})
	if err != nil {
		t.Fatal(err)
	}
	logs := &lines{}
	return NewServer(authorizer, zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "msg"}), logs, zap.DebugLevel)), nil), logs
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
	request, err := proto.Marshal(check)
	if err != nil {
		t.Fatal(err)
	}
	response := &authv3.CheckResponse{}
	if err := proto.Unmarshal(server.Answer(t.Context(), request, nil), response); err != nil {
		t.Fatal(err)
	}
	return response
}

// checkWith is a request with a bearer token.
func checkWith(headers map[string]string) *authv3.CheckRequest {
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{
		Http: &authv3.AttributeContext_HttpRequest{Method: "GET", Path: "/a?secret=1", Headers: headers},
	}}}
}

var bearer = map[string]string{"authorization": "Bearer a.b.c", "x-request-id": "r1"}

func TestCheckDeniesWhateverGoesWrong(t *testing.T) {
	valid := func() (*kinde.Token, error) {
		return &kinde.Token{Issuer: domain, Actor: kinde.User, Subject: "u"}, nil
	}
	for name, test := range map[string]struct {
		check  *authv3.CheckRequest
		verify verifierFunc
		want   Reason
		status int32
	}{
		"nil request":              {nil, valid, MissingToken, 401},
		"no attributes":            {&authv3.CheckRequest{}, valid, MissingToken, 401},
		"empty attributes":         {&authv3.CheckRequest{Attributes: &authv3.AttributeContext{}}, valid, MissingToken, 401},
		"no HTTP request":          {&authv3.CheckRequest{Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{}}}, valid, MissingToken, 401},
		"empty header in the list": {rawCheck(&corev3.HeaderValue{}), valid, MissingToken, 401},
		"panic":                    {checkWith(bearer), func() (*kinde.Token, error) { panic("fault") }, InternalError, 500},
		"neither token nor error":  {checkWith(bearer), func() (*kinde.Token, error) { return nil, nil }, InternalError, 500},
		"error of another kind":    {checkWith(bearer), func() (*kinde.Token, error) { return nil, errors.New("x") }, InternalError, 500},
		"refused without a reason": {checkWith(bearer), func() (*kinde.Token, error) { return nil, &kinde.Error{} }, InternalError, 500},
		"refused as allowed":       {checkWith(bearer), func() (*kinde.Token, error) { return nil, &kinde.Error{Reason: Allowed} }, InternalError, 500},
		"zero token":               {checkWith(bearer), func() (*kinde.Token, error) { return &kinde.Token{}, nil }, kinde.WrongIssuer, 401},
		"token of no actor":        {checkWith(bearer), func() (*kinde.Token, error) { return &kinde.Token{Issuer: domain}, nil }, ActorNotAllowed, 403},
		"issuer without rules": {checkWith(bearer), func() (*kinde.Token, error) {
			return &kinde.Token{Issuer: "https://other", Actor: kinde.User}, nil
		}, kinde.WrongIssuer, 401},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := newTestServer(t, test.verify)
			assertDenied(t, ask(t, server, test.check), test.want, test.status)
		})
	}
}

func rawCheck(headers ...*corev3.HeaderValue) *authv3.CheckRequest {
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{
		Http: &authv3.AttributeContext_HttpRequest{HeaderMap: &corev3.HeaderMap{Headers: headers}},
	}}}
}

func assertDenied(t *testing.T, response *authv3.CheckResponse, want Reason, status int32) {
	t.Helper()
	denied := response.GetDeniedResponse()
	if response.GetStatus().GetCode() == 0 || denied == nil || response.GetOkResponse() != nil {
		t.Fatalf("not a denial: %v", response)
	}
	var body struct{ Reason Reason }
	if err := json.Unmarshal([]byte(denied.GetBody()), &body); err != nil {
		t.Fatal(err)
	}
	inMetadata := Reason(response.GetDynamicMetadata().GetFields()["reason"].GetStringValue())
	if body.Reason != want || inMetadata != want || int32(denied.GetStatus().GetCode()) != status {
		t.Errorf("got %s in the body, %s in the metadata, status %d: want %s, %d",
			body.Reason, inMetadata, denied.GetStatus().GetCode(), want, status)
	}
}

func TestZeroDecisionIsADenial(t *testing.T) {
	for _, d := range []Decision{
		{}, {Reason: Allowed}, {allowed: true}, {allowed: true, Reason: Allowed}, {allowed: true, Reason: "new_reason", headers: "x"},
		allow(&policy{}, &identity{}, nil), allow(&policy{}, &identity{text: "x", headers: span{0, 1}, refused: errNoRules}, nil),
	} {
		response := &authv3.CheckResponse{}
		d.ID = newID()
		if err := proto.Unmarshal(appendAnswer(nil, &d), response); err != nil {
			t.Fatal(err)
		}
		assertDenied(t, response, InternalError, 500)
		if d.Allowed() || d.Reason != InternalError {
			t.Errorf("it is logged as allowed %t for %q", d.Allowed(), d.Reason)
		}
	}
}

func TestPanicIsLoggedWithoutTheToken(t *testing.T) {
	server, logs := newTestServer(t, func() (*kinde.Token, error) { panic("fault") })
	ask(t, server, checkWith(bearer))
	if all := logs.all(t); len(all) != 1 || all[0]["msg"] != "a check panicked" || strings.Contains(logs.String(), "a.b.c") {
		t.Errorf("logged %s, want one line that tells of the panic", logs)
	}
}

// Where Envoy passes on what a client sent, unchecked, the message may be none.
func TestWhatIsNoCheckRequestIsDenied(t *testing.T) {
	server, logs := newTestServer(t, nil)
	sni := message(1, message(12, message(1, []byte("\xff.example.com")))) // attributes, tls_session, sni
	for _, bytes := range [][]byte{sni, []byte("\x0a\x02\x22\xff"), {0x80}} {
		response := &authv3.CheckResponse{}
		if err := proto.Unmarshal(server.Answer(t.Context(), bytes, nil), response); err != nil {
			t.Fatal(err)
		}
		assertDenied(t, response, InternalError, 500)
	}
	if all := logs.all(t); len(all) != 3 || all[0]["detail"] != "the message is not a CheckRequest" {
		t.Errorf("logged %s", logs)
	}
}

func TestFaultsOfTheObserverAreDenials(t *testing.T) {
	authorizer, err := NewAuthorizer(Config{Verifier: verifierFunc(nil)})
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(authorizer, zap.NewNop(), func(*Decision, time.Duration) { panic("fault") })
	assertDenied(t, ask(t, server, checkWith(nil)), InternalError, 500)
}

func TestDecisionIsOneLineInTheLog(t *testing.T) {
	server, logs := newTestServer(t, func() (*kinde.Token, error) {
		return &kinde.Token{Issuer: domain, Actor: kinde.System, ClientID: "c", OrgCode: "org_a"}, nil
	})
	response := ask(t, server, checkWith(bearer))
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
		core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), logs, level)
		authorizer, err := NewAuthorizer(Config{Issuers: map[string]Rules{domain: {}}, Verifier: verifierFunc(func() (*kinde.Token, error) {
			return &kinde.Token{Issuer: domain, Actor: kinde.User, Subject: "u"}, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		server := NewServer(authorizer, zap.New(core), nil)
		ask(t, server, checkWith(bearer))
		allows := strings.Count(logs.String(), `"allowed"`)
		if want := level <= zap.InfoLevel; allows == 1 != want || allows > 1 {
			t.Errorf("at %s: %d allows are logged", level, allows)
		}
		ask(t, server, checkWith(nil))
		if n := strings.Count(logs.String(), `"missing_token"`); n != 1 {
			t.Errorf("at %s: %d denials are logged", level, n)
		}
	}
}

func TestTheLogNamesWhatIsMissing(t *testing.T) {
	token := &kinde.Token{Issuer: domain, Actor: kinde.User, Subject: "u", ClientID: "c", Scopes: []string{"a"}, Permissions: []string{"p"}}
	for name, test := range map[string]struct {
		policy Policy
		reason Reason
		want   []any
	}{
		"scopes":      {Policy{Scopes: []string{"b", "a", "c"}}, InsufficientScope, []any{"b", "c"}},
		"permissions": {Policy{Scopes: []string{"a"}, Permissions: []string{"q"}, Roles: []string{"r"}}, MissingPermission, []any{"q"}},
		"roles":       {Policy{Roles: []string{"r"}}, MissingRole, []any{"r"}},
		"flags":       {Policy{FeatureFlags: map[string]kinde.FlagValue{"f": kinde.BoolFlag(true)}}, FeatureDisabled, []any{"f"}},
		"actors":      {Policy{Actors: []kinde.Actor{kinde.System}}, ActorNotAllowed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			logs := &lines{}
			authorizer, err := NewAuthorizer(Config{
				Issuers: map[string]Rules{domain: {}}, Policies: map[string]Policy{"default": test.policy},
				Verifier: verifierFunc(func() (*kinde.Token, error) { return token, nil }),
			})
			if err != nil {
				t.Fatal(err)
			}
			core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), logs, zap.InfoLevel)
			assertDenied(t, ask(t, NewServer(authorizer, zap.New(core), nil), checkWith(bearer)), test.reason, 403)
			got, _ := logs.all(t)[0]["missing"].([]any)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestEveryReasonHasAnAnswer(t *testing.T) {
	for reason, a := range answers {
		if a.status < 400 && reason != MetadataDocument || a.code == 0 || a.description == "" && reason != MetadataDocument || a.hint == "" {
			t.Errorf("%s: incomplete answer %+v", reason, a)
		}
	}
}

func TestEveryReasonIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	for reason, a := range answers {
		row := fmt.Sprintf("\n| `%s` | %d | ", reason, a.status)
		if n := strings.Count(string(page), row); n != 1 {
			t.Errorf("docs/reasons.md has %d rows that begin %q, want 1", n, strings.TrimSpace(row))
		}
	}
	if rows := strings.Count(string(page), "\n| `"); rows != len(answers)+2 {
		t.Errorf("docs/reasons.md has %d rows, want one for each of %d denials, %s and %s", rows, len(answers), Allowed, Public)
	}
}

func TestEveryReasonIsInOneStep(t *testing.T) {
	for reason := range answers {
		n := 0
		for _, s := range steps {
			for _, r := range s.reasons {
				if r == reason {
					n++
				}
			}
		}
		want := 1
		switch reason {
		case BadRequest:
			want = 2 // each with a detail of its own
		case InternalError:
			want = 0
		}
		if n != want {
			t.Errorf("%s is in %d steps, want %d", reason, n, want)
		}
	}
}

func TestLogAndMetricsSayTheReasonOfTheAnswer(t *testing.T) {
	server, logs := newTestServer(t, func() (*kinde.Token, error) { return nil, &kinde.Error{Reason: "new_reason"} })
	ask(t, server, checkWith(bearer))
	if got := logs.all(t)[0]["reason"]; got != string(InternalError) {
		t.Errorf("logged %v", got)
	}
}

func TestAllowsCanBeLeftOutOfTheLog(t *testing.T) {
	valid := func() (*kinde.Token, error) {
		return &kinde.Token{Issuer: domain, Actor: kinde.User, Subject: "u"}, nil
	}
	server, logs := newTestServer(t, valid)
	use := func(unlogged float64) {
		a, err := NewAuthorizer(Config{Verifier: verifierFunc(valid), Issuers: map[string]Rules{domain: {}}, UnloggedAllows: unlogged})
		if err != nil {
			t.Fatal(err)
		}
		server.Use(a)
	}
	const checks = 2000
	for unlogged, want := range map[float64][2]int{0: {checks, checks}, 1: {0, 0}, 0.5: {checks / 3, checks * 2 / 3}} {
		use(unlogged)
		logs.Reset()
		for range checks {
			ask(t, server, checkWith(bearer))
		}
		if got := len(logs.all(t)); got < want[0] || got > want[1] {
			t.Errorf("unlogged %g: %d lines of %d", unlogged, got, checks)
		}
	}
	use(1)
	logs.Reset()
	ask(t, server, checkWith(nil))
	if len(logs.all(t)) != 1 {
		t.Error("a denial is not logged")
	}
}
