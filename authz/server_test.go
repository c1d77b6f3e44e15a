package authz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/kinde-authz/kinde-authz/kinde"
)

const domain = "https://t.kinde.com"

// verifierFunc is a verifier that a test scripts.
type verifierFunc func() (*kinde.Token, error)

func (f verifierFunc) Verify(context.Context, string) (*kinde.Token, error) { return f() }

func newTestServer(t *testing.T, verify verifierFunc) (*Server, *observer.ObservedLogs) {
	t.Helper()
	authorizer, err := NewAuthorizer(Config{Verifier: verify, Issuers: map[string]Rules{domain: {}}})
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.DebugLevel)
	return NewServer(authorizer, zap.New(core), nil), logs
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
		"nil header in the list":   {rawCheck(nil), valid, MissingToken, 401},
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
			response, err := server.Check(t.Context(), test.check)
			if err != nil {
				t.Fatal(err)
			}
			assertDenied(t, response, test.want, test.status)
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
	assertDenied(t, newResponse(&Decision{}), InternalError, 500)
	assertDenied(t, newResponse(&Decision{Reason: Allowed}), InternalError, 500)
	assertDenied(t, newResponse(&Decision{allowed: true}), InternalError, 500)
}

func TestPanicIsLoggedWithoutTheToken(t *testing.T) {
	server, logs := newTestServer(t, func() (*kinde.Token, error) { panic("fault") })
	if _, err := server.Check(t.Context(), checkWith(bearer)); err != nil {
		t.Fatal(err)
	}
	if n := logs.FilterMessage("a check panicked").Len(); n != 1 {
		t.Errorf("%d lines tell of the panic, want 1", n)
	}
}

func TestDecisionIsOneLineInTheLog(t *testing.T) {
	server, logs := newTestServer(t, func() (*kinde.Token, error) {
		return &kinde.Token{Issuer: domain, Actor: kinde.System, ClientID: "c", OrgCode: "org_a"}, nil
	})
	response, _ := server.Check(t.Context(), checkWith(bearer))
	if logs.Len() != 1 {
		t.Fatalf("%d lines, want 1", logs.Len())
	}
	got := logs.All()[0].ContextMap()
	delete(got, "duration")
	for field, want := range map[string]any{
		"decision": "allow", "reason": "allowed", "actor": "system", "org_code": "org_a", "policy": "default",
		"method": "GET", "path": "/a", "x-request-id": "r1",
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
		if want := 1; n != want && reason != InternalError {
			t.Errorf("%s is in %d steps, want %d", reason, n, want)
		}
	}
}

func TestLogAndMetricsSayTheReasonOfTheAnswer(t *testing.T) {
	server, logs := newTestServer(t, func() (*kinde.Token, error) { return nil, &kinde.Error{Reason: "new_reason"} })
	if _, err := server.Check(t.Context(), checkWith(bearer)); err != nil {
		t.Fatal(err)
	}
	if got := logs.All()[0].ContextMap()["reason"]; got != string(InternalError) {
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
		before := logs.Len()
		for range checks {
			if _, err := server.Check(t.Context(), checkWith(bearer)); err != nil {
				t.Fatal(err)
			}
		}
		if got := logs.Len() - before; got < want[0] || got > want[1] {
			t.Errorf("unlogged %g: %d lines of %d", unlogged, got, checks)
		}
	}
	use(1)
	before := logs.Len()
	if _, err := server.Check(t.Context(), checkWith(nil)); err != nil {
		t.Fatal(err)
	}
	if logs.Len() != before+1 {
		t.Error("a denial is not logged")
	}
}
