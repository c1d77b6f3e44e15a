package extauthz_test

import (
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// routed is a server with routes and policies of every kind.
func routed(t testing.TB) (authv3.AuthorizationClient, *kindetest.Issuer) {
	t.Helper()
	server := kindetest.NewServer()
	t.Cleanup(server.Close)
	url := server.Issuer.URL
	client := serveWith(t, kinde.Config{Leeway: 30 * time.Second, Issuers: []kinde.Issuer{{Domain: url}}}, authz.Config{
		Issuers: map[string]authz.Rules{url: {AllowedOrgs: []string{kindetest.Org, "org_ab"}}},
		Policies: map[string]authz.Policy{
			"users": {Actors: []kinde.Actor{kinde.User}},
			"machines": {
				Actors:          []kinde.Actor{kinde.System},
				Scopes:          []string{"jobs:run", "agents:read"},
				AllowWithoutOrg: true,
			},
			"acme":  {AllowedOrgs: []string{kindetest.Org}},
			"other": {AllowedOrgs: []string{"org_other"}},
			"run":   {Permissions: []string{"agents:read", "agents:run"}},
			"admin": {Roles: []string{"admin"}},
			"owner": {Roles: []string{"admin", "owner"}},
			"flags": {
				FeatureFlags: map[string]kinde.FlagValue{
					"agent-v2": kinde.BoolFlag(true), "theme": kinde.StringFlag("pink"), "seats": kinde.IntFlag(5),
				},
			},
			"text":     {FeatureFlags: map[string]kinde.FlagValue{"agent-v2": kinde.StringFlag("true")}},
			"whatever": {AllowWithoutOrg: true}, "default": {},
		},
		Routes: []authz.Route{
			{Path: "/public/**", Public: true},
			{Path: "/api/**", Methods: []string{"OPTIONS"}, Public: true},
			{Path: "/both", Methods: []string{"GET"}, Public: true},
			{Path: "/users", Policy: "users"}, {Path: "/machines", Policy: "machines"}, {Path: "/acme", Policy: "acme"},
			{Path: "/other", Policy: "other"}, {Path: "/run", Policy: "run"}, {Path: "/admin", Policy: "admin"},
			{Path: "/owner", Policy: "owner"}, {Path: "/flags", Policy: "flags"}, {Path: "/text", Policy: "text"},
			{Path: "/orgs/{org_code}/**"}, {Path: "/teams/{org_code}", Policy: "whatever"},
		},
	})
	return client, server.Issuer
}

// answers checks an answer; an empty reason stands for allow.
func answers(
	t *testing.T, client authv3.AuthorizationClient, sent request, want authz.Reason,
) *authv3.CheckResponse {
	t.Helper()
	response, err := client.Check(t.Context(), sent.InMap())
	if err != nil {
		t.Fatal(err)
	}
	got := authz.Reason(response.GetDynamicMetadata().GetFields()["reason"].GetStringValue())
	if want != "" && got != want {
		t.Errorf("%s %s: got %s, want %s", sent.Method, sent.Path, got, want)
		return response
	}
	if want == "" || want == authz.Public {
		assertAllowed(t, sent.Path, response)
	} else {
		assertRefused(t, sent.Path, response, want)
	}
	return response
}

// asked is a request and the reason it must get.
type asked struct {
	request
	want authz.Reason
}

func all(want authz.Reason, paths ...string) []asked {
	rows := make([]asked, 0, len(paths))
	for _, path := range paths {
		rows = append(rows, get(path, want))
	}
	return rows
}

func get(path string, want authz.Reason) asked {
	return asked{envoytest.Get(path), want}
}

func method(method, path string, want authz.Reason) asked {
	return asked{envoytest.New(method, path), want}
}

func TestAttackPathsHaveOneReading(t *testing.T) {
	client, _ := routed(t)
	const protected, public, bad = authz.MissingToken, authz.Public, authz.BadPath
	preflight := func(method, path string) request {
		return envoytest.New(method, path).With("origin", "https://app").With("access-control-request-method", "POST")
	}
	for name, rows := range map[string][]asked{
		"P1 dot segments": all(bad, "/public/../admin", "/public/./../admin", "/public/.", "/public/..", "/..", "/.",
			"/public/../", "/./public"),
		"P2 escaped dots and slashes": all(bad, "/public/%2e%2e/admin", "/public/..%2fadmin", "/public/%2E./a",
			"/public/%252e%252e/a", "/public%2f..%2fadmin", "/public/%5c", "/public/%5Cadmin", "/public/%2f", "/public/%25",
			"/public/%c0%ae%c0%ae/admin", "/public/%e0%80%ae"),
		"P3 empty segments": all(bad, "//public", "/public//..//admin", "///admin", "/public//", "//", "/public//a"),
		"P4 query and fragment": {
			get("/admin?x=/public", protected), get("/admin?/public", protected), get("/public?/../admin", public),
			get("/public?a#b;c", public),
			get("/admin#/public", bad), get("/public#", bad), get("/public#?", bad),
		},
		"P5 another case of a route": append(all(bad, "/PUBLIC", "/Public", "/Public/a", "/ADMIN", "/orgS/org_ab",
			"/org%C5%BF/org_ab", "/PUBLIC/?x", "/Both/"),
			get("/Else", protected), get("/public/A", public)),
		"P6 paths that only begin like a public route": all(protected, "/publicity", "/public-admin", "/public.", "/publi",
			"/a/public"),
		"P7 forms that are not a path": append(all(bad, "http://x/admin", "https://x/public/a", "*", "", "public", "?x",
			" /public", "x:/public"),
			method("CONNECT", "", bad), method("OPTIONS", "*", bad)),
		"P8 headers that claim another path": {
			{envoytest.Get("/admin").With("x-forwarded-uri", "/public").With("x-original-url", "/public").
				With("x-rewrite-url", "/public").With("x-envoy-original-path", "/public").
				With("x-forwarded-prefix", "/public"), protected},
		},
		"P9 headers and a query that claim another method": {
			{envoytest.New("POST", "/both").With("x-http-method-override", "GET").With("x-method-override", "GET"), protected},
			method("POST", "/both?_method=GET", protected),
		},
		"Q1 preflights": {
			{preflight("OPTIONS", "/api/x"), public},
			{preflight("OPTIONS", "/admin"), protected},
			{preflight("POST", "/api/x"), protected},
		},
		"Q2 OPTIONS that is not a preflight": {
			method("OPTIONS", "/api/x", protected),
			{envoytest.New("OPTIONS", "/api/x").With("origin", "https://app"), protected},
			{envoytest.New("OPTIONS", "/api/x").With("access-control-request-method", "GET"), protected},
		},
		"P10 methods that are not names in upper case": {
			method("get", "/both", authz.BadRequest), method("", "/both", authz.BadRequest),
			method("Get", "/a//b", authz.BadRequest), method("GE T", "/both", authz.BadRequest),
			method("POST\n", "/both", authz.BadRequest), method("G3T", "/both", authz.BadRequest),
		},
		"P11 methods that a route does not list": {
			get("/both", public), method("HEAD", "/both", public), method("TRACE", "/both", protected),
			method("FOO", "/both", protected), method("M-SEARCH", "/both", protected),
		},
		"A14 the token in a WebSocket subprotocol, the query and a cookie": {
			{envoytest.Get("/admin?access_token=a.b.c").With("sec-websocket-protocol", "bearer, a.b.c").
				With("cookie", "access_token=a.b.c"), protected},
		},
		"P12 hosts that look public": {
			{envoytest.Get("/admin").With("host", "public.internal").With(":authority", "PUBLIC.internal.:80"), protected},
		},
		"P13 one trailing slash": append(all(public, "/public/", "/public", "/both/", "/public/a/b/"),
			get("/admin/", protected), get("/", protected)),
		"P14 needless and broken escapes, and bytes that no path has": all(bad, "/public/%", "/public/%4", "/public/%zz",
			"/public/%41", "/public/%7E", "/public/%00", "/public/%0a", "/public/%7f", "/public/%3b", "/public/%3F",
			"/public/%23", "/public/%ff", "/public/%c3", "/public/a;b", "/public/..;/admin", "/public/a\\b", "/public/\x00",
			"/public/\x7f", "/public/é", "/public/a\tb", "/public/%c2%85", "/public/%2D", "/public/%C3/%A9"),
		"P15 escapes that are needed": all(public, "/public/%20", "/public/%C3%A9", "/public/%c3%a9", "/public/%40",
			"/public/a%3Ab", "/public/%7B", "/public/a%2Bb", "/public/a+b", "/public/{x}", "/public/a@b,c=d&e", "/public/...",
			"/public/a b", "/public/%2A"),
	} {
		t.Run(name, func(t *testing.T) {
			for _, row := range rows {
				answers(t, client, row.request, row.want)
			}
		})
	}
}

func TestWithoutRoutesThePathIsNotJudged(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/public/../admin", "*", "", "//", "/%", "/a;b#c"} {
		answers(t, w.client, envoytest.Get(path).Bearer(w.strict.Token(w.strict.UserClaims())), "")
	}
}

// closed is a server without a policy default.
func closed(t testing.TB) (authv3.AuthorizationClient, *kindetest.Issuer) {
	t.Helper()
	server := kindetest.NewServer()
	t.Cleanup(server.Close)
	url := server.Issuer.URL
	return serveWith(t, kinde.Config{Issuers: []kinde.Issuer{{Domain: url}}}, authz.Config{
		Issuers:  map[string]authz.Rules{url: {}},
		Policies: map[string]authz.Policy{"users": {Actors: []kinde.Actor{kinde.User}}},
		Routes: []authz.Route{
			{Path: "/api/internal/**", Deny: true},
			{Path: "/api/**"},
			{Path: "/public/secret", Methods: []string{"GET"}, Deny: true},
			{Path: "/public/**", Methods: []string{"GET", "POST"}, Public: true},
		},
	}), server.Issuer
}

func TestAttackWhatNoRouteMatchesIsDenied(t *testing.T) {
	client, issuer := closed(t)
	user, machine := issuer.Token(issuer.UserClaims()), issuer.Token(issuer.MachineClaims())
	const denied, none = authz.RouteDenied, authz.NoRoute
	for name, row := range map[string]struct {
		request
		want   authz.Reason
		policy string // in the metadata
	}{
		"Q12 no route":                  {envoytest.Get("/else").Bearer(user), none, ""},
		"Q12 no route, without a token": {envoytest.Get("/else"), none, ""},
		"Q12 no route for the method":   {envoytest.New("DELETE", "/public/x").Bearer(user), none, ""},
		"Q13 no route, but a policy":    {envoytest.Get("/else").Bearer(user).Policy("users"), "", "users"},
		"Q13 no route, but a policy that denies": {
			envoytest.Get("/else").Bearer(machine).Policy("users"), authz.ActorNotAllowed, "users",
		},
		"Q14 no route, and an unknown policy": {
			envoytest.Get("/else").Policy("x"),
			authz.UnknownPolicy,
			"",
		},
		"Q14 default, which is not configured": {
			envoytest.Get("/api/x").Bearer(user).Policy("default"),
			authz.UnknownPolicy,
			"",
		},
		"Q11 a route without a policy":                  {envoytest.Get("/api/x").Bearer(user), "", "default"},
		"Q11 a route without a policy, without a token": {envoytest.Get("/api/x"), authz.MissingToken, "default"},
		"Q15 a route that denies":                       {envoytest.Get("/api/internal/x").Bearer(user), denied, ""},
		"Q15 a route that denies, without a token":      {envoytest.Get("/api/internal"), denied, ""},
		"Q15 a route that denies, with a policy": {
			envoytest.Get("/api/internal/x").Bearer(user).Policy("users"), denied, "",
		},
		"Q14 a route that denies, and an unknown policy": {
			envoytest.Get("/api/internal/x").Policy("x"),
			authz.UnknownPolicy,
			"",
		},
		"Q15 a route that denies, before a public one":   {envoytest.Get("/public/secret"), denied, ""},
		"Q15 HEAD where GET is denied":                   {envoytest.New("HEAD", "/public/secret"), denied, ""},
		"Q15 another method than the one that is denied": {envoytest.New("POST", "/public/secret"), authz.Public, ""},
		"P11 HEAD where GET is public":                   {envoytest.New("HEAD", "/public/x"), authz.Public, ""},
		"P5 another case of a route that denies": {
			envoytest.Get("/api/INTERNAL/x").Bearer(user), authz.BadPath, "",
		},
		"P5 another case of every segment": {
			envoytest.Get("/API/internal/x").Bearer(user), authz.BadPath, "",
		},
		"P5 a long s, which Unicode folds to s": {
			envoytest.Get("/public/%C5%BFecret"),
			authz.BadPath,
			"",
		},
		"P5 a dotless i, which Unicode folds to nothing else": {envoytest.Get("/public/%C4%B1"), authz.Public, ""},
		"P5 another case that changes no route": {
			envoytest.Get("/api/Internals").Bearer(user), "", "default",
		},
		"P5 another case, with a method of no route": {envoytest.New("PUT", "/PUBLIC/x"), none, ""},
		"P5 another case in what a wildcard matches": {envoytest.Get("/api/ABC").Bearer(user), "", "default"},
		"O4 a Connection header that names identity, where no route matches": {
			envoytest.Get("/else").With("connection", "x.kinde!actor"),
			authz.BadRequest,
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			response := answers(t, client, row.request, row.want)
			if got := response.GetDynamicMetadata().GetFields()["policy"].GetStringValue(); got != row.policy {
				t.Errorf("policy %q, want %q", got, row.policy)
			}
		})
	}
}
