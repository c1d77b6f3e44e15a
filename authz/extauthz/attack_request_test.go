package extauthz_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// authorization sends lines of that header, in which TOKEN stands for a good
// token.
func authorization(lines ...string) sending {
	return func(w *world) request {
		r := envoytest.Get("/")
		for _, line := range lines {
			r = r.With("authorization", strings.ReplaceAll(line, "TOKEN", good(w)))
		}
		return r
	}
}

func TestAttackOnlyOneBearerTokenIsTaken(t *testing.T) {
	rows := []row{
		{"A1 no authorization header", authorization(), authz.MissingToken},
		{"A2 an empty value", authorization(""), authz.MissingToken},
		{"A2 spaces alone", authorization("  "), authz.MissingToken},
		{"A3 the scheme alone", authorization("Bearer"), authz.MalformedAuthorization},
		{"A3 the scheme and a space", authorization("Bearer "), authz.MalformedAuthorization},
		{"A4 the scheme in lower case", authorization("bearer TOKEN"), ""},
		{"A4 the scheme in upper case", authorization("BEARER TOKEN"), ""},
		{"A5 two spaces after the scheme", authorization("Bearer  TOKEN"), authz.MalformedAuthorization},
		{"A5 a tab after the scheme", authorization("Bearer\tTOKEN"), authz.MalformedAuthorization},
		{"A6 no space after the scheme", authorization("BearerTOKEN"), authz.MissingToken},
		{
			"A7 two tokens in one line, the good one first",
			authorization("Bearer TOKEN,Bearer evil"),
			authz.MalformedAuthorization,
		},
		{
			"A7 two tokens in one line, the good one last",
			authorization("Bearer evil,Bearer TOKEN"),
			authz.MalformedAuthorization,
		},
		{"A7 a comma after the token", authorization("Bearer TOKEN,"), authz.MalformedAuthorization},
		{"A8 two lines, the good one first", authorization("Bearer TOKEN", "Bearer evil"), authz.MalformedAuthorization},
		{"A8 the same line twice", authorization("Bearer TOKEN", "Bearer TOKEN"), authz.MalformedAuthorization},
		{"A8 an empty line first", authorization("", "Bearer TOKEN"), authz.MalformedAuthorization},
		{"A8 Basic credentials first", authorization("Basic eDp5", "Bearer TOKEN"), authz.MalformedAuthorization},
		{"A9 the token as a Basic password", func(w *world) request {
			password := base64.StdEncoding.EncodeToString([]byte("user:" + good(w)))
			return envoytest.Get("/").With("authorization", "Basic "+password)
		}, authz.MissingToken},
		{"A11 the token in quotes", authorization(`Bearer "TOKEN"`), kinde.MalformedToken},
		{"A11 a colon after the scheme", authorization(`Bearer: TOKEN`), authz.MalformedAuthorization},
		{
			"A14 the token in a cookie",
			func(w *world) request { return envoytest.Get("/").With("cookie", "access_token="+good(w)) },
			authz.MissingToken,
		},
		{"A15 spaces and tabs around the value", authorization(" \tBearer TOKEN \t"), ""},
		{"A16 a non-ASCII character after the token", authorization("Bearer TOKENü"), kinde.MalformedToken},
		{"A16 a byte that is not UTF-8 after the token", authorization("Bearer TOKEN\xff"), kinde.MalformedToken},
		{"A16 a NUL byte after the token", authorization("Bearer TOKEN\x00"), kinde.MalformedToken},
		{"A16 a line break and another header", authorization("Bearer TOKEN\r\nx: y"), authz.MalformedAuthorization},
		{"A16 a line break at the end", authorization("Bearer TOKEN\r\n"), kinde.MalformedToken},
		{"A5 a no-break space after the scheme", authorization("Bearer\u00a0TOKEN"), authz.MalformedAuthorization},
		{
			"A17 the header's name with a capital",
			func(w *world) request { return envoytest.Get("/").With("Authorization", "Bearer "+good(w)) },
			"",
		},
		{"A17 the header's name in two spellings", func(w *world) request {
			return bearer(good(w)).With("Authorization", "Bearer "+good(w))
		}, authz.MalformedAuthorization},
		{"P8 headers that claim another path and method", func(w *world) request {
			return bearer(good(w)).With("x-forwarded-uri", "/public").With("x-http-method-override", "GET")
		}, ""},
		{
			"P8 a header that claims another path, without a token",
			func(*world) request { return envoytest.Get("/").With("x-original-url", "/healthz") },
			authz.MissingToken,
		},
		{"Q1 a preflight without a public route", func(*world) request {
			return envoytest.New("OPTIONS", "/").With("origin", "https://evil").With("access-control-request-method", "GET")
		}, authz.MissingToken},
	}
	for _, scheme := range []string{"DPoP", "Token", "JWT", "Negotiate", "", "Bearer-x", "Bearer1"} {
		rows = append(rows, row{fmt.Sprintf("A10 scheme %q", scheme), authorization(scheme + " TOKEN"), authz.MissingToken})
	}
	for _, value := range []string{
		"x-kinde-user-id", "Upgrade, X-Kinde-User-Id", "close,\tx_kinde_user_id", "x-kinde-foo,keep-alive", "x.kinde~user.id",
	} {
		rows = append(rows, row{"O4 Connection: " + value, func(w *world) request {
			return bearer(good(w)).With("connection", value)
		}, authz.BadRequest})
		rows = append(rows, row{"O4 without a token, Connection: " + value, func(*world) request {
			return envoytest.Get("/").With("connection", value)
		}, authz.BadRequest})
	}
	rows = append(rows, row{"O5 Connection names no identity header", func(w *world) request {
		return bearer(good(w)).With("connection", "Upgrade, keep-alive, x-kindest-regards")
	}, ""})
	attack(t, newWorld(t), rows)
}

func TestAttackTokensInTheQueryAreIgnored(t *testing.T) {
	w := newWorld(t)
	request := envoytest.Get("/?access_token=" + good(w))
	t.Run("A12 the token in the query alone", func(t *testing.T) {
		answers(t, w.client, request, authz.MissingToken)
	})
	t.Run("A13 a token in the query beside a good header", func(t *testing.T) {
		answers(t, w.client, request.Bearer(good(w)), "")
	})
}

// headersOf returns what an allowed request gets.
func headersOf(t *testing.T, w *world, sent request) (set map[string]string, remove []string) {
	t.Helper()
	response, err := w.client.Check(t.Context(), sent.InList())
	if err != nil {
		t.Fatal(err)
	}
	assertAllowed(t, "list", response)
	set = map[string]string{}
	for _, h := range response.GetOkResponse().GetHeaders() {
		if _, twice := set[h.GetHeader().GetKey()]; twice {
			t.Errorf("%s is set twice", h.GetHeader().GetKey())
		}
		set[h.GetHeader().GetKey()] = h.GetHeader().GetValue()
	}
	remove = response.GetOkResponse().GetHeadersToRemove()
	slices.Sort(remove)
	return set, remove
}

// Attack O3: CGI, FastCGI and PHP fold every byte that is no letter and no digit.
func TestAttackEverySpellingOfAnIdentityHeaderIsRemoved(t *testing.T) {
	w := newWorld(t)
	const marks = "!#$%&'*+-.^_`|~" // what may stand in a name, RFC 9110 section 5.6.2
	sent := bearer(w.open.Sign(w.open.MachineClaims()))
	var want []string
	for _, first := range marks + " /:\x00\x7f" {
		for _, second := range marks + " \x01" {
			name := "x" + string(first) + "Kinde" + string(second) + "user" + string(second) + "id"
			sent, want = sent.With(name, "kp_admin"), append(want, name)
		}
	}
	for _, name := range []string{
		"xx-kinde-user-id", "x-kind-user-id", "xkinde-user-id", "x-kindeuser-id", "x--kinde-user-id", "y-kinde-user-id",
		"x-kinde",
	} {
		sent = sent.With(name, "1")
	}
	_, remove := headersOf(t, w, sent)
	got := map[string]bool{}
	for _, name := range remove {
		got[name] = true
	}
	for _, name := range want {
		if !got[name] {
			t.Errorf("%q is not removed", name)
		}
	}
	for name := range got {
		if !strings.HasPrefix(name, "x-kinde-") && !slices.Contains(want, name) {
			t.Errorf("%q is removed", name)
		}
	}
}

func TestAttackIdentityHeadersAreTheTokensAlone(t *testing.T) {
	w := newWorld(t)
	claims := w.open.MachineClaims().Without("org_code", "jti")
	forged := []string{
		"x-kinde-user-id", "x-kinde-client-id", "x-kinde-org-code", "X-KINDE-ACTOR", "x_kinde_user_id", "X-Kinde_User-Id",
		"x-kinde-user_id", "x-kinde-foo", "x-kinde-", "x-kinde-a.b", "x_kinde-omitted", "x-kinde-assertion",
	}
	sent := bearer(w.open.Sign(claims)).With("x-kindness", "1").With("kinde-user-id", "1")
	for _, name := range forged {
		sent = sent.With(name, "kp_admin").With(name, "kp_root")
	}
	set, remove := headersOf(t, w, sent)
	t.Run("O1 only the token's values are set", func(t *testing.T) {
		want := map[string]string{
			"x-kinde-actor": "system", "x-kinde-client-id": kindetest.MachineID, "x-kinde-scopes": "jobs:run agents:read",
			"x-kinde-token-expires": fmt.Sprint(claims["exp"]), "x-kinde-issuer": w.open.Issuer.URL,
		}
		if diff := cmp.Diff(want, set); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
	t.Run("O2 every other identity header is removed", func(t *testing.T) {
		want := []string{
			"x-kinde-user-id", "x-kinde-org-code", "x-kinde-permissions", "x-kinde-roles", "x-kinde-token-id",
			"x-kinde-assertion", "x-kinde-omitted",
			"x_kinde_user_id", "X-Kinde_User-Id", "x-kinde-user_id", "x-kinde-foo", "x-kinde-", "x-kinde-a.b", "x_kinde-omitted",
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, remove); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
	t.Run("O7 commas, spaces and Unicode are encoded", func(t *testing.T) {
		set, _ := headersOf(t, w, bearer(w.open.Sign(w.open.UserClaims().With("sub", "kp_ü x%").With("azp", "a,b").
			With("permissions", []string{"a,admin", "b", "a,admin", ""}).With("scp", []string{"x y", "z,1"}))))
		for name, want := range map[string]string{
			"x-kinde-user-id": "kp_%C3%BC%20x%25", "x-kinde-client-id": "a,b",
			"x-kinde-permissions": "a%2Cadmin,b", "x-kinde-scopes": "x%20y z%2C1",
		} {
			if set[name] != want {
				t.Errorf("%s: %q, want %q", name, set[name], want)
			}
		}
	})
	t.Run("O8 a list that is too long is left out whole", func(t *testing.T) {
		permissions := strings.Fields(strings.Repeat("permission ", 900))
		for i := range permissions {
			permissions[i] += fmt.Sprint(i)
		}
		permissions = permissions[:600]
		set, remove := headersOf(t, w, bearer(w.open.Sign(w.open.UserClaims().With("permissions", permissions))))
		if set["x-kinde-omitted"] != "x-kinde-permissions" || !slices.Contains(remove, "x-kinde-permissions") {
			t.Errorf("omitted %q, removed %v", set["x-kinde-omitted"], remove)
		}
	})
	t.Run("O9 authorization reaches the upstream by default", func(t *testing.T) {
		if _, remove := headersOf(t, w, bearer(good(w))); slices.Contains(remove, "authorization") {
			t.Errorf("removed %v", remove)
		}
	})
}

func TestAttackAuthorizationIsRemovedWhenConfigured(t *testing.T) {
	authorizer, err := authz.NewAuthorizer(authz.Config{
		Verifier:          verified{Actor: kinde.User, Issuer: domain, Subject: "u"},
		Issuers:           map[string]authz.Rules{domain: {}},
		DropAuthorization: true,
		Encode:            extauthz.Encode,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{client: dial(t, extauthz.NewServer(authorizer, zap.NewNop(), nil))}
	t.Run("O9 authorization is removed when configured", func(t *testing.T) {
		if _, remove := headersOf(t, w, bearer("a.b.c")); !slices.Contains(remove, "authorization") {
			t.Errorf("removed %v", remove)
		}
	})
}
