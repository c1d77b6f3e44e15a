package kindetest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// issuer is made once: its key takes long.
var issuer = sync.OnceValue(func() *kindetest.Issuer {
	issuer := kindetest.New("https://acme.kinde.com")
	issuer.Now = func() time.Time { return now }
	return issuer
})

// payload decodes the claims of a compact token.
func payload(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d segments: %s", len(parts), token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// minted mints a token and decodes its claims.
func minted(t *testing.T, request kindetest.TokenRequest) map[string]any {
	t.Helper()
	token, err := issuer().Mint(request)
	if err != nil {
		t.Fatal(err)
	}
	if request.Broken == "json" { // the claims stand beside the signed ones
		var claims map[string]any
		if err := json.Unmarshal([]byte(token), &claims); err != nil {
			t.Fatal(err)
		}
		return claims
	}
	return payload(t, token)
}

// breaks are the claims that a kind changes; all others must be those asked for.
var breaks = map[string][]string{
	"json":            {"payload", "protected", "signature"},
	"padded":          {},
	"duplicate-claim": {"azp"},
	"embedded-key":    {},
	"no-key-id":       {},
	"alg-none":        {},
	"alg-hs256":       {},
	"wrong-issuer":    {"iss"},
	"unknown-key":     {},
	"bad-signature":   {},
	"no-expiry":       {"exp"},
	"expired":         {"exp", "iat"},
	"not-yet-valid":   {"nbf"},
	"empty-audience":  {"aud"},
	"wrong-audience":  {"aud"},
	"no-actor":        {"sub", "gty"},
	"no-org":          {"org_code"},
	"other-org":       {"org_code"},
}

// noAccessTokens hold other claims than an access token, or none.
var noAccessTokens = []string{"not-a-jwt", "webhook", "id-token"}

func TestBrokenTokenIsTheOneAskedForBrokenInOneWay(t *testing.T) {
	requests := map[string]kindetest.TokenRequest{
		"sample":   {},
		"audience": {Audience: []string{"https://a.example.com", "https://b.example.com"}},
		"org":      {Org: "org_globex"},
		"no org":   {Org: "none"},
		"user": {
			User: "kp_ada", Org: "org_globex", Audience: []string{"https://a.example.com"}, Permissions: []string{"a"},
			Roles: []string{"b"}, Scopes: []string{"c"}, Lifetime: 300,
		},
		"machine": {
			Actor:    "system",
			Org:      "org_globex",
			Audience: []string{"https://a.example.com"},
			Scopes:   []string{"c", "d"},
			Lifetime: 60,
		},
	}
	for _, kind := range kindetest.BrokenKinds {
		if slices.Contains(noAccessTokens, kind.Name) {
			continue
		}
		changed, told := breaks[kind.Name]
		if !told {
			t.Errorf("%s: not in this test", kind.Name)
		}
		for name, request := range requests {
			t.Run(kind.Name+" "+name, func(t *testing.T) {
				want := minted(t, request)
				request.Broken = kind.Name
				got := minted(t, request)
				for _, name := range append(changed, "jti") { // jti is another each time
					delete(want, name)
					delete(got, name)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-asked for +got)\n%s", diff)
				}
			})
		}
	}
}

func TestWhatIsBroken(t *testing.T) {
	for name, test := range map[string]struct {
		request kindetest.TokenRequest
		want    map[string]any // nil is absent
	}{
		"empty audience": {
			kindetest.TokenRequest{Broken: "empty-audience", Audience: []string{"https://a"}},
			map[string]any{"aud": []any{}},
		},
		"wrong audience": {
			kindetest.TokenRequest{Broken: "wrong-audience", Audience: []string{"https://a"}},
			map[string]any{"aud": []any{"https://other.example.com"}},
		},
		"no org": {kindetest.TokenRequest{Broken: "no-org", Org: "org_globex"}, map[string]any{"org_code": nil}},
		"other org": {
			kindetest.TokenRequest{Broken: "other-org", Org: "org_globex"},
			map[string]any{"org_code": "org_stranger"},
		},
		"no actor of a user": {kindetest.TokenRequest{Broken: "no-actor"}, map[string]any{"sub": nil, "gty": nil}},
		"no actor of a machine": {
			kindetest.TokenRequest{Broken: "no-actor", Actor: "system"},
			map[string]any{"sub": nil, "gty": nil},
		},
		"no expiry":               {kindetest.TokenRequest{Broken: "no-expiry", Lifetime: 60}, map[string]any{"exp": nil}},
		"expired an hour ago":     {kindetest.TokenRequest{Broken: "expired"}, expired(time.Hour)},
		"expired after 5 minutes": {kindetest.TokenRequest{Broken: "expired", Lifetime: 300}, expired(5 * time.Minute)},
		"expired machine":         {kindetest.TokenRequest{Broken: "expired", Actor: "system"}, expired(24 * time.Hour)},
		"not yet valid": {
			kindetest.TokenRequest{Broken: "not-yet-valid"},
			map[string]any{"nbf": seconds(now.Add(10 * time.Minute))},
		},
		"wrong issuer": {kindetest.TokenRequest{Broken: "wrong-issuer"}, map[string]any{"iss": "https://evil.example.com"}},
		"webhook": {
			kindetest.TokenRequest{Broken: "webhook", Audience: []string{"https://a"}, Org: "org_globex"},
			map[string]any{"iss": nil, "aud": nil, "sub": nil, "exp": nil, "org_code": nil},
		},
	} {
		t.Run(name, func(t *testing.T) { assertClaims(t, minted(t, test.request), test.want) })
	}
}

// An ID token as Kinde issues it is for the application, not for an API.
func TestBrokenIDTokenIsARealOne(t *testing.T) {
	application := []any{"https://acme.kinde.com", kindetest.ClientID}
	for name, test := range map[string]struct {
		request kindetest.TokenRequest
		want    map[string]any
	}{
		"sample": {
			kindetest.TokenRequest{},
			map[string]any{"aud": application, "org_codes": []any{kindetest.Org}, "sub": kindetest.UserID},
		},
		"audience": {
			kindetest.TokenRequest{Audience: []string{"https://a"}},
			map[string]any{"aud": []any{"https://a"}, "org_codes": []any{kindetest.Org}},
		},
		"org": {
			kindetest.TokenRequest{Org: "org_globex"},
			map[string]any{"aud": application, "org_codes": []any{"org_globex"}},
		},
		"no org": {kindetest.TokenRequest{Org: "none"}, map[string]any{"aud": application, "org_codes": []any{}}},
		"user": {
			kindetest.TokenRequest{User: "kp_ada", Lifetime: 60},
			map[string]any{"sub": "kp_ada", "exp": seconds(now.Add(time.Minute))},
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.request.Broken = "id-token"
			got := minted(t, test.request)
			assertClaims(t, got, test.want)
			assertClaims(t, got,
				map[string]any{"org_code": nil, "permissions": nil, "scp": nil, "roles": nil, "feature_flags": nil})
			if got["at_hash"] == nil || got["auth_time"] == nil {
				t.Errorf("it lacks what tells an ID token: %v", got)
			}
		})
	}
}

func TestMintRefusesWhatNoTokenHas(t *testing.T) {
	for name, test := range map[string]struct {
		request kindetest.TokenRequest
		want    string
	}{
		"actor":             {kindetest.TokenRequest{Actor: "robot"}, `actor "robot": want user or system`},
		"kind":              {kindetest.TokenRequest{Broken: "nonsense"}, `broken kind "nonsense": want one of not-a-jwt, `},
		"user of a machine": {kindetest.TokenRequest{Actor: "system", User: "kp_1"}, "only a user's token has"},
		"permissions of machine": {
			kindetest.TokenRequest{Actor: "system", Permissions: []string{"a"}},
			"only a user's token has",
		},
		"roles of a machine":    {kindetest.TokenRequest{Actor: "system", Roles: []string{"a"}}, "only a user's token has"},
		"ID token of a machine": {kindetest.TokenRequest{Actor: "system", Broken: "id-token"}, "only a user has an ID token"},
		"scopes of an ID token": {
			kindetest.TokenRequest{Scopes: []string{"a"}, Broken: "id-token"},
			"has no permissions, roles, scopes or flags",
		},
		"flags of a machine": {
			kindetest.TokenRequest{Actor: "system", Flags: map[string]string{"a": "1"}},
			"only a user's token has",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if token, err := issuer().Mint(test.request); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, %v", token, err)
			}
		})
	}
}

func expired(lifetime time.Duration) map[string]any {
	exp := now.Add(-time.Hour)
	return map[string]any{"exp": seconds(exp), "iat": seconds(exp.Add(-lifetime))}
}

// seconds is a time as it comes out of JSON.
func seconds(at time.Time) any { return float64(at.Unix()) }

func assertClaims(t *testing.T, got, want map[string]any) {
	t.Helper()
	for name, value := range want {
		claim, present := got[name]
		if present != (value != nil) || !cmp.Equal(claim, value) {
			t.Errorf("%s: got %v, want %v", name, claim, value)
		}
	}
}

// A page that a developer happens to open must not drive an issuer on the same machine.
func TestBrowsersCannotDriveTheIssuer(t *testing.T) {
	for _, path := range []string{"/dev/token", "/dev/rotate", "/dev/outage"} {
		for origin, want := range map[string]int{
			"": http.StatusOK, "http://evil.example": http.StatusForbidden, "null": http.StatusForbidden,
		} {
			request := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
			request.Header.Set("Origin", origin)
			answer := httptest.NewRecorder()
			issuer().ServeHTTP(answer, request)
			if answer.Code != want {
				t.Errorf("%s with Origin %q: status %d, want %d", path, origin, answer.Code, want)
			}
		}
	}
}
