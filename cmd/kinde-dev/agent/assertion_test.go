package agent

import (
	"crypto"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/authz/assertion"
)

const audience = "http://agent.test"

// user is an identity as kinde-authz signs it, and userHeaders as it tells it.
var (
	user = assertion.Claims{
		Issuer: "kinde-authz", Audience: audience, Subject: "kp_ü", Actor: "user", OrgCode: "org_acme", ClientID: "web",
		Scope: "openid %25", Permissions: []string{"a,b", "c"}, Roles: []string{"admin"}, TokenID: "t1",
	}
	userHeaders = map[string]string{
		"x-kinde-user-id": "kp_%C3%BC", "x-kinde-actor": "user", "x-kinde-org-code": "org_acme", "x-kinde-client-id": "web",
		"x-kinde-scopes": "openid %25", "x-kinde-permissions": "a%2Cb,c", "x-kinde-roles": "admin", "x-kinde-token-id": "t1",
	}
	machine = assertion.Claims{
		Issuer: "kinde-authz", Audience: audience, Subject: "client:m2m", Actor: "system", ClientID: "m2m",
	}
	machineHeaders = map[string]string{"x-kinde-actor": "system", "x-kinde-client-id": "m2m"}
)

func with(headers map[string]string, name, value string) map[string]string {
	changed := map[string]string{name: value}
	for other, value := range headers {
		if other != name {
			changed[other] = value
		}
	}
	return changed
}

// newKey returns a key that signs and the public one to verify by.
func newKey(t *testing.T) (*assertion.Keys, crypto.PublicKey) {
	t.Helper()
	private, public, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := assertion.ParseKeys(private)
	if err != nil {
		t.Fatal(err)
	}
	return keys, public
}

// unsign cuts the signature off.
func unsign(signed string) string { return signed[:strings.LastIndex(signed, ".")+1] }

func TestRequireWantsEachHeaderOnce(t *testing.T) {
	keys, public := newKey(t)
	signed, err := keys.Sign(user.Body(), time.Now(), time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	for name, value := range userHeaders {
		request.Header.Set(name, value)
	}
	request.Header.Set(assertionHeader, signed)
	request.Header.Add("x-kinde-user-id", "kp_admin")
	answer := httptest.NewRecorder()
	Require(http.NotFoundHandler(), public, audience).ServeHTTP(answer, request)
	if answer.Code != http.StatusUnauthorized || !strings.Contains(answer.Body.String(), "x-kinde-user-id comes twice") {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

func TestRequire(t *testing.T) {
	keys, public := newKey(t)
	others, _ := newKey(t)
	now := time.Now()
	sign := func(keys *assertion.Keys, claims assertion.Claims, expires time.Time) string {
		signed, err := keys.Sign(claims.Body(), expires.Add(-time.Minute), expires)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	good := func(claims assertion.Claims) string { return sign(keys, claims, now.Add(time.Minute)) }
	elsewhere, omitting := user, user
	elsewhere.Audience = "http://other.test"
	omitting.Permissions, omitting.Omitted = nil, []string{"permissions"}
	none := map[string]string{}
	const (
		mismatch = "its identity headers are not those"
		unsigned = "want one x-kinde-assertion, got 0"
		foreign  = "is not signed by the key"
	)
	for name, test := range map[string]struct {
		path      string
		headers   map[string]string
		assertion string
		refused   string // a part of why, empty for those who pass
	}{
		"a user":                         {"/", userHeaders, good(user), ""},
		"a machine":                      {"/", machineHeaders, good(machine), ""},
		"a user at the MCP server":       {MCPPath, userHeaders, good(user), ""},
		"nobody":                         {"/", none, "", ""},
		"nobody at the MCP server":       {MCPPath, none, "", unsigned},
		"forged headers":                 {"/", userHeaders, "", unsigned},
		"a forged header, spelled oddly": {"/", map[string]string{"X_Kinde-User.Id": "kp_admin"}, "", unsigned},
		"no JWS":                         {"/", userHeaders, "verified", foreign},
		"a key of somebody else":         {"/", userHeaders, sign(others, user, now.Add(time.Minute)), foreign},
		"no signature":                   {"/", userHeaders, unsign(good(user)), foreign},
		"an expired one":                 {"/", userHeaders, sign(keys, user, now), "has expired"},
		"one of tomorrow":                {"/", userHeaders, sign(keys, user, now.Add(24*time.Hour)), "of the future"},
		"for another upstream":           {"/", userHeaders, good(elsewhere), "is for something else"},
		"another's":                      {"/", userHeaders, good(machine), mismatch},
		"another user":                   {"/", with(userHeaders, "x-kinde-user-id", "kp_admin"), good(user), mismatch},
		"a user added to a machine":      {"/", with(machineHeaders, "x-kinde-user-id", "kp_admin"), good(machine), mismatch},
		"one permission made two":        {"/", with(userHeaders, "x-kinde-permissions", "a,b,c"), good(user), mismatch},
		"one role more":                  {"/", with(userHeaders, "x-kinde-roles", "admin,owner"), good(user), mismatch},
		"another spelling too":           {"/", with(userHeaders, "x_kinde_user_id", "a"), good(user), "spelled as neither"},
		"no text":                        {"/", with(userHeaders, "x-kinde-org-code", "%zz"), good(user), mismatch},
		"a list that is not signed":      {"/", with(userHeaders, "x-kinde-permissions", "everything"), good(omitting), ""},
	} {
		t.Run(name, func(t *testing.T) {
			var passed http.Header
			next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { passed = r.Header })
			handler := Require(next, public, audience)
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, test.path, http.NoBody)
			for name, value := range test.headers {
				request.Header.Set(name, value)
			}
			if test.assertion != "" {
				request.Header.Set(assertionHeader, test.assertion)
			}
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, request)
			if test.refused != "" {
				body := answer.Body.String()
				if passed != nil || answer.Code != http.StatusUnauthorized || !strings.Contains(body, test.refused) {
					t.Errorf("passed %v, answer %d %s, want 401 with %q", passed, answer.Code, body, test.refused)
				}
				return
			}
			if passed == nil {
				t.Fatalf("refused: %s", answer.Body)
			}
			if got := passed.Get(assertionHeader); test.assertion != "" && got != "verified" {
				t.Errorf("the assertion is passed on as %q", got)
			}
			if strings.Contains(passed.Get("X-Kinde-Permissions"), "everything") {
				t.Error("a list that nobody signed is passed on")
			}
		})
	}
}
