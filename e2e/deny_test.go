package e2e

import (
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// Attack V6: a token of each kind that kinde-dev mints broken.
func TestBrokenTokensAreDenied(t *testing.T) {
	for _, kind := range kindetest.BrokenKinds {
		for protocol, client := range protocols {
			t.Run(kind.Name+" over "+protocol, func(t *testing.T) {
				token, err := shared.Issuer.Broken(kind.Name)
				if err != nil {
					t.Fatal(err)
				}
				got := send(t, client, shared.URL+"/api", token, "x-kinde-user-id: kp_admin")
				assertDenied(t, got, kind.Status, kind.Reason)
				if kind.Status == 401 && got.Error != "invalid_token" || kind.Status == 403 && got.Error != "access_denied" {
					t.Errorf("error %q", got.Error)
				}
			})
		}
	}
}

// assertDenied checks all that a denial promises.
func assertDenied(t *testing.T, got answer, status int, reason string) {
	t.Helper()
	if got.status != status || got.Reason != reason {
		t.Fatalf("got %d %s, want %d %s", got.status, got.Reason, status, reason)
	}
	if got.header.Get("Content-Type") != "application/json" || got.Description == "" || got.DecisionID == "" {
		t.Errorf("incomplete answer: %+v", got)
	}
	want := ""
	switch {
	case status == 401 && got.Error == "":
		want = `Bearer realm="kinde"`
	case status == 401:
		want = `Bearer realm="kinde", error="invalid_token", error_description="` + got.Description + `"`
	}
	if challenge := got.header.Get("WWW-Authenticate"); challenge != want {
		t.Errorf("challenge %s, want %s", challenge, want)
	}
	for name := range got.header {
		if strings.HasPrefix(strings.ToLower(name), "x-kinde") {
			t.Errorf("the answer holds %s", name)
		}
	}
}

// Attack V5: credentials that are not one bearer token.
func TestCredentialsThatAreNotOneBearerTokenAreDenied(t *testing.T) {
	good := shared.Issuer.Token(shared.Issuer.UserClaims())
	for name, test := range map[string]struct {
		lines  []string
		reason string
	}{
		"none":       {nil, "missing_token"},
		"empty":      {[]string{"Authorization:"}, "missing_token"},
		"basic":      {[]string{"Authorization: Basic " + good}, "missing_token"},
		"no token":   {[]string{"Authorization: Bearer"}, "malformed_authorization"},
		"two spaces": {[]string{"Authorization: Bearer  " + good}, "malformed_authorization"},
		"two tokens": {[]string{"Authorization: Bearer " + good + ",Bearer " + good}, "malformed_authorization"},
		"two lines": {
			[]string{"Authorization: Bearer " + good, "Authorization: Bearer " + good},
			"malformed_authorization",
		},
		"two kinds": {
			[]string{"authorization: Basic eDp5", "Authorization: Bearer " + good},
			"malformed_authorization",
		},
		"in the cookie":   {[]string{"Cookie: access_token=" + good}, "missing_token"},
		"quoted":          {[]string{`Authorization: Bearer "` + good + `"`}, "malformed_token"},
		"without a space": {[]string{"Authorization: Bearer" + good}, "missing_token"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := append([]string{"GET /?access_token=" + good + " HTTP/1.1", "Host: a", "Connection: close"}, test.lines...)
			assertDenied(t, sendRaw(t, shared, lines...), 401, test.reason)
		})
	}
	t.Run("any case of the scheme passes", func(t *testing.T) {
		for _, scheme := range []string{"bearer", "BEARER", "Bearer"} {
			got := sendRaw(t, shared, "GET / HTTP/1.1", "Host: a", "Connection: close", "Authorization: "+scheme+" "+good)
			if got.status != 200 {
				t.Errorf("%s: status %d %s", scheme, got.status, got.Reason)
			}
		}
	})
}

// Attack V4: a Connection header asks Envoy to drop an identity header.
func TestConnectionHeaderMustNotNameIdentity(t *testing.T) {
	got := sendRaw(t, shared, "GET /ws HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: Upgrade, x-kinde-user-id",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
		"Authorization: Bearer "+shared.Issuer.Token(shared.Issuer.UserClaims()))
	assertDenied(t, got, 400, "bad_request")
	if got.Error != "invalid_request" {
		t.Errorf("error %q", got.Error)
	}
}

func TestEnvoyLogsTheDecision(t *testing.T) {
	got := send(t, protocols["HTTP/1.1"], shared.URL+"/logged?secret=1", "")
	eventually(t, "the access log has the decision", func() bool {
		for line := range strings.Lines(shared.EnvoyLog.String()) {
			if strings.Contains(line, got.DecisionID) {
				return strings.Contains(line, `"decision":"deny"`) && strings.Contains(line, `"reason":"missing_token"`) &&
					strings.Contains(line, `"details":"ext_authz_denied"`) && strings.Contains(line, `"path":"/logged"`)
			}
		}
		return false
	})
}

// Attack W1: the log of a decision holds no token and no query.
func TestServiceLogsOneLineADecisionAndNoToken(t *testing.T) {
	token := shared.Issuer.Token(shared.Issuer.UserClaims().With("org_code", "org_stranger"))
	got := send(t, protocols["HTTP/1.1"], shared.URL+"/once?secret=1", token)
	var lines []string
	eventually(t, "the log has the decision", func() bool {
		lines = nil
		for line := range strings.Lines(shared.AuthzLog.String()) {
			if strings.Contains(line, got.DecisionID) {
				lines = append(lines, line)
			}
		}
		return len(lines) > 0
	})
	if len(lines) != 1 {
		t.Errorf("%d lines of the decision, want 1", len(lines))
	}
	for _, want := range []string{
		`"reason":"org_not_allowed"`, `"actor":"user"`, `"org_code":"org_stranger"`, `"hint":`, `"path":"/once"`,
	} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("no %s in %s", want, lines[0])
		}
	}
	if log := shared.AuthzLog.String(); strings.Contains(log, token[len(token)-40:]) || strings.Contains(log, "secret") {
		t.Error("the log holds a token or a query")
	}
}
