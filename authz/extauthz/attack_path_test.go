package extauthz_test

import (
	"maps"
	"slices"
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

func TestAttackPublicRoutesCarryNoIdentity(t *testing.T) {
	client, issuer := routed(t)
	t.Run("O6 no identity on a public route, whatever was sent", func(t *testing.T) {
		forged := envoytest.Get("/public/x").With("x-kinde-user-id", "admin").With("x_kinde_foo", "1")
		for _, request := range []request{
			forged, forged.Bearer(issuer.Token(issuer.UserClaims())), forged.With("authorization", "Basic x, Bearer y"),
		} {
			response := answers(t, client, request, authz.Public)
			if got := response.GetOkResponse().GetHeaders(); len(got) > 0 {
				t.Errorf("identity is sent: %v", got)
			}
			removed := response.GetOkResponse().GetHeadersToRemove()
			for _, name := range []string{"x-kinde-user-id", "x_kinde_foo", "x-kinde-actor", "x-kinde-org-code"} {
				if !slices.Contains(removed, name) {
					t.Errorf("%s is not removed", name)
				}
			}
			fields := response.GetDynamicMetadata().GetFields()
			if fields["decision"].GetStringValue() != "allow" || fields["policy"] != nil || fields["actor"] != nil ||
				fields["user_id"] != nil {
				t.Errorf("metadata: %v", fields)
			}
		}
	})
	t.Run("O4 a Connection header that names identity, on a public route", func(t *testing.T) {
		answers(t, client,
			envoytest.Get("/public").With("connection", "close, x-kinde-actor"),
			authz.BadRequest)
	})
}

func TestAttackPoliciesWantExactlyWhatTheySay(t *testing.T) {
	client, issuer := routed(t)
	user, machine := issuer.UserClaims(), issuer.MachineClaims()
	flags := func(flags map[string]any) kindetest.Claims { return user.With("feature_flags", flags) }
	set := func(kind string, value any) map[string]any { return map[string]any{"t": kind, "v": value} }
	good := map[string]any{"agent-v2": set("b", true), "theme": set("s", "pink"), "seats": set("i", 5)}
	but := func(name string, value any) map[string]any { c := maps.Clone(good); c[name] = value; return c }
	for name, row := range map[string]struct {
		path   string
		claims kindetest.Claims
		want   authz.Reason
	}{
		"Q3 a user where only users may pass":    {"/users", user, ""},
		"Q3 a machine where only users may pass": {"/users", machine, authz.ActorNotAllowed},
		"Q3 a user where only machines may pass": {"/machines", user, authz.ActorNotAllowed},
		"Q6 a machine with all scopes":           {"/machines", machine, ""},
		"Q4 a machine without an organization":   {"/machines", machine.Without("org_code"), ""},
		"Q5 a machine of an organization that is not listed": {
			"/machines", machine.With("org_code", "org_x"), authz.OrgNotAllowed,
		},
		"Q6 a machine without one of two scopes": {"/machines", machine.With("scope", "jobs:run"), authz.InsufficientScope},
		"Q6 a scope that only begins the same": {
			"/machines", machine.With("scope", "jobs:run agents:read_all"), authz.InsufficientScope,
		},
		"Q6 a scope that only ends the same": {
			"/machines", machine.With("scope", "jobs:run xagents:read"), authz.InsufficientScope,
		},
		"Q5 an organization of both lists":              {"/acme", user, ""},
		"Q5 an organization of the issuer's list alone": {"/acme", user.With("org_code", "org_ab"), authz.OrgNotAllowed},
		"Q5 an organization of the policy's list alone": {
			"/other", user.With("org_code", "org_other"), authz.OrgNotAllowed,
		},
		"Q5 no organization":                                 {"/acme", user.Without("org_code"), authz.OrgMissing},
		"Q7 the token's organization in the path":            {"/orgs/" + kindetest.Org + "/x", user, ""},
		"Q7 the token's organization at the end of the path": {"/orgs/" + kindetest.Org, user, ""},
		"Q7 the token's organization and a slash":            {"/orgs/" + kindetest.Org + "/", user, ""},
		"Q7 another organization in the path":                {"/orgs/org_ab/x", user, authz.OrgMismatch},
		"Q7 a longer organization in the path":               {"/orgs/" + kindetest.Org + "x/x", user, authz.OrgMismatch},
		"Q7 a shorter organization in the path":              {"/orgs/org_acm/x", user, authz.OrgMismatch},
		"Q7 the organization in another case":                {"/orgs/ORG_ACME/x", user, authz.OrgMismatch},
		"Q7 dot segments behind the organization":            {"/orgs/" + kindetest.Org + "/../org_ab", user, authz.BadPath},
		"Q7 an escaped slash behind the organization": {
			"/orgs/" + kindetest.Org + "%2forg_ab", user, authz.BadPath,
		},
		"Q7 an escaped underscore in the organization": {"/orgs/org%5Facme", user, authz.BadPath},
		"Q7 an escaped space behind the organization": {
			"/orgs/" + kindetest.Org + "%20", user, authz.OrgMismatch,
		},
		"Q11 a path without the organization, which no route matches": {"/orgs", user, ""},
		"Q7 a token without an organization": {
			"/teams/" + kindetest.Org, user.Without("org_code"), authz.OrgMismatch,
		},
		"Q7 the token's organization, where tokens need none": {"/teams/" + kindetest.Org, user, ""},
		"Q7 another organization, where tokens need none":     {"/teams/org_ab", user, authz.OrgMismatch},
		"L7 a property instead, where a policy lists organizations": {
			"/acme",
			user.Without("org_code").With("application_properties", map[string]any{"org_code": set("s", kindetest.Org)}),
			authz.OrgMissing,
		},
		"Q8 all permissions":       {"/run", user, ""},
		"Q8 one permission of two": {"/run", user.With("permissions", []string{"agents:run"}), authz.MissingPermission},
		"Q8 no permissions":        {"/run", user.Without("permissions"), authz.MissingPermission},
		"Q8 both permissions in one text": {
			"/run", user.With("permissions", []string{"agents:read,agents:run"}), authz.MissingPermission,
		},
		"Q8 a permission in another case": {
			"/run", user.With("permissions", []string{"Agents:read", "agents:run"}), authz.MissingPermission,
		},
		"Q8 the permissions in Hasura's claim": {
			"/run",
			user.Without("permissions").With("x-hasura-permissions", []string{"agents:read", "agents:run"}),
			authz.MissingPermission,
		},
		"Q9 the role":             {"/admin", user, ""},
		"Q9 the role as a string": {"/admin", user.With("roles", []string{"admin"}), ""},
		"Q9 the role's name and ID, but not its key": {
			"/admin",
			user.With("roles", []any{map[string]any{"key": "x", "name": "admin", "id": "admin"}}),
			authz.MissingRole,
		},
		"Q9 one role of two":         {"/owner", user, authz.MissingRole},
		"Q9 no roles":                {"/admin", user.Without("roles"), authz.MissingRole},
		"Q10 the flags as wanted":    {"/flags", flags(good), ""},
		"Q10 a flag that is off":     {"/flags", flags(but("agent-v2", set("b", false))), authz.FeatureDisabled},
		"Q10 a flag of another type": {"/flags", flags(but("agent-v2", set("s", "true"))), authz.FeatureDisabled},
		"Q10 a flag of another type than it says": {
			"/flags", flags(but("agent-v2", set("b", "true"))), authz.FeatureDisabled,
		},
		"Q10 a flag with another text":         {"/flags", flags(but("theme", set("s", "Pink"))), authz.FeatureDisabled},
		"Q10 a flag with another number":       {"/flags", flags(but("seats", set("i", 6))), authz.FeatureDisabled},
		"Q10 a number as a text":               {"/flags", flags(but("seats", set("i", "5"))), authz.FeatureDisabled},
		"Q10 no flag by that name":             {"/flags", flags(map[string]any{}), authz.FeatureDisabled},
		"Q10 no flags":                         {"/flags", user.Without("feature_flags"), authz.FeatureDisabled},
		"Q10 a boolean where a text is wanted": {"/text", user, authz.FeatureDisabled},
		"Q10 the flags of a machine":           {"/flags", machine.With("feature_flags", good), authz.FeatureDisabled},
		"N4 feature_flags is a list":           {"/users", user.With("feature_flags", []any{}), kinde.InvalidClaims},
		"Q11 no route matches":                 {"/elsewhere", user, ""},
		"Q11 no route matches, an organization that is not listed": {
			"/elsewhere", user.With("org_code", "org_x"), authz.OrgNotAllowed,
		},
		"Q16 the wrong actor, without scopes and permissions": {
			"/machines", user.Without("permissions", "scp"), authz.ActorNotAllowed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			answers(t, client, envoytest.Get(row.path).Bearer(issuer.Token(row.claims)), row.want)
		})
	}
}

func TestAttackUnknownPoliciesOfEnvoyDeny(t *testing.T) {
	client, issuer := routed(t)
	token := issuer.Token(issuer.UserClaims())
	for name, row := range map[string]struct {
		path   string
		policy map[string]string
		want   authz.Reason
		chosen string
	}{
		"Q13 no policy is named": {"/users", nil, "", "users"},
		"Q13 another policy than the route's": {
			"/users", map[string]string{"policy": "machines"}, authz.ActorNotAllowed, "machines",
		},
		"Q13 a looser policy than the route's": {"/owner", map[string]string{"policy": "users"}, "", "users"},
		"Q13 the default policy":               {"/owner", map[string]string{"policy": "default"}, "", "default"},
		"Q13 a policy on a public route": {
			"/public/x", map[string]string{"policy": "machines"}, authz.ActorNotAllowed, "machines",
		},
		"Q13 a policy, and another organization in the path": {
			"/orgs/org_ab/x", map[string]string{"policy": "users"}, authz.OrgMismatch, "users",
		},
		"Q14 an unknown policy":                   {"/users", map[string]string{"policy": "nobody"}, authz.UnknownPolicy, ""},
		"Q14 an empty name":                       {"/users", map[string]string{"policy": ""}, authz.UnknownPolicy, ""},
		"Q14 the name in another case":            {"/users", map[string]string{"policy": "Users"}, authz.UnknownPolicy, ""},
		"Q14 the key in another case":             {"/users", map[string]string{"Policy": "users"}, authz.UnknownPolicy, ""},
		"Q14 a misspelled key, on a public route": {"/public", map[string]string{"polciy": "users"}, authz.UnknownPolicy, ""},
		"Q14 another key beside it": {
			"/users",
			map[string]string{"policy": "users", "tenant": "a"},
			authz.UnknownPolicy,
			"",
		},
		"Q14 an unknown policy and another key, on a public route": {
			"/public",
			map[string]string{"policy": "nobody", "tenant": "a"},
			authz.UnknownPolicy,
			"",
		},
		"Q16 a bad path and an unknown policy": {"/a//b", map[string]string{"policy": "nobody"}, authz.BadPath, ""},
	} {
		t.Run(name, func(t *testing.T) {
			request := envoytest.Get(row.path).Bearer(token)
			request.Extensions = row.policy
			response := answers(t, client, request, row.want)
			if got := response.GetDynamicMetadata().GetFields()["policy"].GetStringValue(); got != row.chosen {
				t.Errorf("policy %q, want %q", got, row.chosen)
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
