package extauthz_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

func challengeOf(response *authv3.CheckResponse) string {
	for _, h := range response.GetDeniedResponse().GetHeaders() {
		if h.GetHeader().GetKey() == "www-authenticate" {
			return h.GetHeader().GetValue()
		}
	}
	return ""
}

// discoverable is a server with a resource and a policy that wants scopes.
func discoverable(t *testing.T, identifier string) (authv3.AuthorizationClient, *kindetest.Issuer) {
	t.Helper()
	server := kindetest.NewServer()
	t.Cleanup(server.Close)
	url := server.Issuer.URL
	return serveWith(t, kinde.Config{
		Issuers: []kinde.Issuer{{Domain: url, Audience: []string{kindetest.Audience}}},
	}, authz.Config{
		Issuers: map[string]authz.Rules{url: {}},
		Policies: map[string]authz.Policy{
			"default": {},
			"run":     {Scopes: []string{"agents:run", "agents:read"}, Permissions: []string{"agents:own"}},
		},
		Routes: []authz.Route{{Path: "/run", Policy: "run"}, {Path: "/public", Public: true}},
		Resources: []authz.Resource{{
			Identifier:           identifier,
			AuthorizationServers: []string{url, "https://second.kinde.com"},
			Scopes:               []string{"agents:run"},
		}},
	}), server.Issuer
}

func TestChallenges(t *testing.T) {
	client, issuer := discoverable(t, "https://api.example.com")
	user := issuer.UserClaims()
	const (
		where  = `resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"`
		scopes = `scope="agents:run agents:read", `
	)
	for name, row := range map[string]struct {
		request
		reason    authz.Reason
		challenge string
	}{
		"no token": {envoytest.Get("/"), authz.MissingToken, `Bearer realm="kinde", ` + where},
		"no token, scopes wanted": {
			envoytest.Get("/run"),
			authz.MissingToken,
			`Bearer realm="kinde", ` + scopes + where,
		},
		"expired": {
			envoytest.Get("/run").Bearer(issuer.Token(user.With("iat", 1).With("exp", 2))),
			kinde.TokenExpired,
			`Bearer realm="kinde", error="invalid_token", error_description="the access token has expired", ` + scopes + where,
		},
		"a scope is missing": {
			envoytest.Get("/run").Bearer(issuer.Token(user.With("scp", []string{"agents:run"}))),
			authz.InsufficientScope,
			`Bearer realm="kinde", error="insufficient_scope", ` +
				`error_description="the access token lacks a scope", ` + scopes + where,
		},
		"a permission is missing": {
			envoytest.Get("/run").Bearer(issuer.Token(user.With("scp", []string{"agents:run", "agents:read"}))),
			authz.MissingPermission,
			"",
		},
		"the method is in lower case": {envoytest.New("get", "/"), authz.BadRequest, ""},
		"neither user nor machine": {
			envoytest.Get("/run").Bearer(issuer.Token(user.Without("sub"))), kinde.UnknownActor, "",
		},
		"bad path": {envoytest.Get("//"), authz.BadPath, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := challengeOf(answers(t, client, row.request, row.reason)); got != row.challenge {
				t.Errorf("got  %s\nwant %s", got, row.challenge)
			}
		})
	}
}

func TestMetadataDocument(t *testing.T) {
	client, issuer := discoverable(t, "https://api.example.com/mcp")
	want := map[string]any{
		"resource": "https://api.example.com/mcp", "authorization_servers": []any{issuer.URL, "https://second.kinde.com"},
		"scopes_supported": []any{"agents:run"}, "bearer_methods_supported": []any{"header"},
	}
	const at = "/.well-known/oauth-protected-resource"
	for _, request := range []request{
		envoytest.Get(at), envoytest.New("HEAD", at), envoytest.Get(at + "/mcp"), envoytest.Get(at + "?x=1"),
		envoytest.Get(at + "/mcp").Policy("run"), envoytest.Get(at).Bearer("a.b.c"), envoytest.Get(at + "/mcp/?x"),
		envoytest.Get(at + "/"), envoytest.Get(at).With("origin", "https://inspector.example.com"),
	} {
		response, err := client.Check(t.Context(), request.InMap())
		if err != nil {
			t.Fatal(err)
		}
		denied := response.GetDeniedResponse()
		if response.GetStatus().GetCode() == 0 || denied.GetStatus().GetCode() != 200 || challengeOf(response) != "" {
			t.Fatalf("%+v: got %v", request, response)
		}
		headers := map[string]string{"content-type": "application/json", "access-control-allow-origin": "*"}
		if diff := cmp.Diff(headers, denialHeaders(response)); diff != "" {
			t.Errorf("%+v: (-want +got)\n%s", request, diff)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(denied.GetBody()), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v: (-want +got)\n%s", request, diff)
		}
		fields := response.GetDynamicMetadata().GetFields()
		if fields["decision"].GetStringValue() != "deny" || fields["reason"].GetStringValue() != "metadata_document" ||
			fields["policy"] != nil {
			t.Errorf("%+v: metadata %v", request, fields)
		}
	}
	for _, request := range []request{
		envoytest.New("POST", at), envoytest.New("OPTIONS", at), envoytest.New("OPTIONS", at).With("origin", "https://a"),
		envoytest.Get(at + "/other"), envoytest.Get(at + "/mcp/other"), envoytest.Get(at + "x"),
		envoytest.Get("/x" + at), envoytest.Get("/.WELL-KNOWN/oauth-protected-resource"), envoytest.Get("/?" + at),
	} {
		answers(t, client, request, authz.MissingToken)
	}
	answers(t, client, envoytest.Get("/."+at), authz.BadPath)
	answers(t, client, envoytest.New("get", at), authz.BadRequest)
	answers(t, client, envoytest.Get(at).Policy("nobody"), authz.UnknownPolicy)
	answers(t, client, envoytest.Get(at).With("connection", "x-kinde-actor"),
		authz.BadRequest)
	answers(t, newWorld(t).client, envoytest.Get(at), authz.MissingToken) // no resource is configured
}

func TestResourceIdentifiers(t *testing.T) {
	const wellKnown = "/.well-known/oauth-protected-resource"
	for identifier, where := range map[string]string{
		"https://api.example.com":        "https://api.example.com" + wellKnown,
		"https://api.example.com/":       "https://api.example.com" + wellKnown,
		"https://api.example.com/a/b/":   "https://api.example.com" + wellKnown + "/a/b",
		"https://api.example.com/a%20/b": "https://api.example.com" + wellKnown + "/a%20/b",
		"https://api.example.com:8443":   "https://api.example.com:8443" + wellKnown,
	} {
		client, _ := discoverable(t, identifier)
		path := strings.TrimPrefix(strings.TrimPrefix(identifier, "https://api.example.com"), ":8443")
		response := answers(t, client, envoytest.Get("/"+strings.Trim(path, "/")), authz.MissingToken)
		if got := challengeOf(response); !strings.HasSuffix(got, `resource_metadata="`+where+`"`) {
			t.Errorf("%q: got %s", identifier, got)
		}
	}
	for _, identifier := range []string{
		"http://api.example.com", "api.example.com", "", "https://", "https://u@api.example.com", "urn:api",
		"https://api.example.com?a", "https://api.example.com#a", "https://api.example.com/a#",
		"https://api.example.com//a", "https://api.example.com/a/../b", `https://api.example.com/"`,
	} {
		if accepts(authz.Resource{Identifier: identifier}) == nil {
			t.Errorf("%q is accepted", identifier)
		}
	}
	if err := accepts(authz.Resource{Identifier: "http://localhost:8080", InsecureHTTP: true}); err != nil {
		t.Error(err)
	}
}

// accepts returns why resources are refused.
func accepts(resources ...authz.Resource) error {
	_, err := authz.NewAuthorizer(authz.Config{Verifier: &kinde.Verifier{}, Resources: resources})
	return err
}

// claimHeaders is a server that sends claims.
func claimHeaders(t *testing.T) (authv3.AuthorizationClient, *kindetest.Issuer) {
	t.Helper()
	server := kindetest.NewServer()
	t.Cleanup(server.Close)
	url := server.Issuer.URL
	claims := map[string]string{
		"x-kinde-email": "email", "x-kinde-model": "application_properties.model_version", "x-kinde-teams": "teams",
		"x-kinde-age": "age", "x-kinde-same": "org_code",
	}
	for i := range 10 {
		claims[fmt.Sprintf("x-kinde-long-%d", i)] = fmt.Sprintf("long%d", i)
	}
	return serveWith(t, kinde.Config{Issuers: []kinde.Issuer{{Domain: url}}}, authz.Config{
		Issuers: map[string]authz.Rules{url: {}}, ClaimHeaders: claims,
		Policies: map[string]authz.Policy{"default": {}}, Routes: []authz.Route{{Path: "/public", Public: true}},
	}), server.Issuer
}

func TestClaimHeaders(t *testing.T) {
	client, issuer := claimHeaders(t)
	user := issuer.UserClaims()
	long := func(n int) string { return strings.Repeat("a", n) }
	for name, row := range map[string]struct {
		claims kindetest.Claims
		want   map[string]string // empty: removed
	}{
		"none": {
			user,
			map[string]string{"x-kinde-email": "", "x-kinde-model": "", "x-kinde-omitted": "", "x-kinde-same": kindetest.Org},
		},
		"text": {user.With("email", "ada@example.com"), map[string]string{"x-kinde-email": "ada@example.com"}},
		"property of Kinde": {
			user.With("application_properties", map[string]any{"model_version": map[string]any{"v": "m-4"}}),
			map[string]string{"x-kinde-model": "m-4"},
		},
		"O7 Unicode": {user.With("email", "ü@x"), map[string]string{"x-kinde-email": "%C3%BC@x"}},
		"O7 a line break": {
			user.With("email", "a\r\nx-admin: 1"),
			map[string]string{"x-kinde-email": "a%0D%0Ax-admin:%201"},
		},
		"O7 a comma in a single value": {user.With("email", "a,b"), map[string]string{"x-kinde-email": "a,b"}},
		"O7 a comma in a list": {
			user.With("teams", []string{"a,admin", "b", "b"}),
			map[string]string{"x-kinde-teams": "a%2Cadmin,b"},
		},
		"number": {user.With("age", 42).With("email", true), map[string]string{"x-kinde-age": "42", "x-kinde-email": "true"}},
		"object": {user.With("email", map[string]any{"a": 1}), map[string]string{"x-kinde-email": "", "x-kinde-omitted": ""}},
		"null":   {user.With("email", nil), map[string]string{"x-kinde-email": ""}},
		"O8 exactly 1 KiB": {
			user.With("email", long(1024)),
			map[string]string{"x-kinde-email": long(1024), "x-kinde-omitted": ""},
		},
		"O8 over 1 KiB": {
			user.With("email", long(1025)),
			map[string]string{"x-kinde-email": "", "x-kinde-omitted": "x-kinde-email"},
		},
		"O8 over 1 KiB once encoded": {
			user.With("email", strings.Repeat("ü", 171)+long(100)),
			map[string]string{"x-kinde-email": "", "x-kinde-omitted": "x-kinde-email"},
		},
		"O8 two values over 1 KiB": {
			user.With("email", long(2000)).With("teams", []string{long(2000)}),
			map[string]string{"x-kinde-email": "", "x-kinde-teams": "", "x-kinde-omitted": "x-kinde-email,x-kinde-teams"},
		},
		"O8 over 1 KiB, beside a long list": {
			user.With("email", long(1000)).With("permissions", []string{long(7500)}),
			map[string]string{"x-kinde-email": "", "x-kinde-permissions": long(7500), "x-kinde-omitted": "x-kinde-email"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			response := answers(t, client, envoytest.Get("/").Bearer(issuer.Token(row.claims)), "")
			set := map[string]string{}
			for _, h := range response.GetOkResponse().GetHeaders() {
				set[h.GetHeader().GetKey()] = h.GetHeader().GetValue()
			}
			for name, value := range row.want {
				if set[name] != value {
					t.Errorf("%s is %.40q, want %.40q", name, set[name], value)
				}
				if removed := slices.Contains(response.GetOkResponse().GetHeadersToRemove(), name); removed != (value == "") {
					t.Errorf("%s is removed: %t", name, removed)
				}
			}
		})
	}
	response := answers(t, client, envoytest.Get("/public"), authz.Public)
	if removed := response.GetOkResponse().GetHeadersToRemove(); !slices.Contains(removed, "x-kinde-email") {
		t.Errorf("a public route removes %v", removed)
	}
}

func TestManyClaimHeadersStayBelowTheLimit(t *testing.T) {
	client, issuer := claimHeaders(t)
	claims := issuer.UserClaims()
	for i := range 10 {
		claims = claims.With(fmt.Sprintf("long%d", i), strings.Repeat("a", 1000+i))
	}
	response := answers(t, client, envoytest.Get("/").Bearer(issuer.Token(claims)), "")
	size, omitted := 0, ""
	for _, h := range response.GetOkResponse().GetHeaders() {
		size += len(h.GetHeader().GetKey()) + len(h.GetHeader().GetValue())
		if h.GetHeader().GetKey() == "x-kinde-omitted" {
			omitted = h.GetHeader().GetValue()
		}
	}
	if want := "x-kinde-long-9,x-kinde-long-8,x-kinde-long-7"; size >= 8<<10 || omitted != want {
		t.Errorf("%d bytes, omitted %s, want %s", size, omitted, want)
	}
}

// Once a token is verified, the operator sees whose it is, also where it is for
// another API.
func TestMetadataOfVerifiedTokens(t *testing.T) {
	w := newWorld(t)
	user := w.strict.UserClaims()
	for name, row := range map[string]struct {
		claims kindetest.Claims
		reason authz.Reason
		known  bool
	}{
		"another audience":     {user.With("aud", []string{"https://other"}), kinde.WrongAudience, true},
		"no audience":          {user.With("aud", []string{}), kinde.EmptyAudience, true},
		"another organization": {user.With("org_code", "org_x"), authz.OrgNotAllowed, true},
		"expired":              {user.With("iat", 1).With("exp", 2), kinde.TokenExpired, false},
		"an ID token": {
			user.With("nonce", "n").With("aud", []string{"https://other"}), kinde.NotAnAccessToken, false,
		},
		"a malformed claim": {user.With("scp", 1).With("nonce", "n"), kinde.InvalidClaims, false},
	} {
		t.Run(name, func(t *testing.T) {
			response := answers(t, w.client, envoytest.Get("/").Bearer(w.strict.Token(row.claims)), row.reason)
			fields := response.GetDynamicMetadata().GetFields()
			got := map[string]string{}
			for _, name := range []string{"actor", "user_id", "client_id", "org_code"} {
				if fields[name] != nil {
					got[name] = fields[name].GetStringValue()
				}
			}
			want := map[string]string{}
			if row.known {
				want = map[string]string{
					"actor": "user", "user_id": kindetest.UserID, "client_id": kindetest.ClientID,
					"org_code": row.claims["org_code"].(string),
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
