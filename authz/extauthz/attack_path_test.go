package extauthz_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// ask is a request with everything that routes look at.
type ask struct {
	method, path string
	headers      map[string]string
	policy       map[string]string // context_extensions
}

func (a ask) sent() *authv3.CheckRequest {
	s := extauthz.Sent{Method: a.method, Path: a.path, Extensions: a.policy}
	for name, value := range a.headers {
		s.Lines = append(s.Lines, header{Name: name, Value: value})
	}
	return s.InMap()
}

// routed is a server with routes and policies of every kind.
func routed(t testing.TB) (authv3.AuthorizationClient, *kindetest.Issuer) {
	t.Helper()
	server := kindetest.NewServer()
	t.Cleanup(server.Close)
	url := server.Issuer.URL
	client := serveWith(t, kinde.Config{Leeway: 30 * time.Second, Issuers: []kinde.Issuer{{Domain: url}}}, authz.Config{
		Issuers: map[string]authz.Rules{url: {AllowedOrgs: []string{kindetest.Org, "org_ab"}}},
		Policies: map[string]authz.Policy{
			"users":    {Actors: []kinde.Actor{kinde.User}},
			"machines": {Actors: []kinde.Actor{kinde.System}, Scopes: []string{"jobs:run", "agents:read"}, AllowWithoutOrg: true},
			"acme":     {AllowedOrgs: []string{kindetest.Org}},
			"other":    {AllowedOrgs: []string{"org_other"}},
			"run":      {Permissions: []string{"agents:read", "agents:run"}},
			"admin":    {Roles: []string{"admin"}},
			"owner":    {Roles: []string{"admin", "owner"}},
			"flags":    {FeatureFlags: map[string]kinde.FlagValue{"agent-v2": kinde.BoolFlag(true), "theme": kinde.StringFlag("pink"), "seats": kinde.IntFlag(5)}},
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

func (a ask) with(token string) ask {
	a.headers = map[string]string{"authorization": "Bearer " + token}
	return a
}

// answers checks an answer; an empty reason stands for allow.
func answers(t *testing.T, client authv3.AuthorizationClient, a ask, want authz.Reason) *authv3.CheckResponse {
	t.Helper()
	response, err := client.Check(t.Context(), a.sent())
	if err != nil {
		t.Fatal(err)
	}
	if got := authz.Reason(response.GetDynamicMetadata().GetFields()["reason"].GetStringValue()); want != "" && got != want {
		t.Errorf("%s %s: got %s, want %s", a.method, a.path, got, want)
		return response
	}
	if want == "" || want == authz.Public {
		assertAllowed(t, a.path, response)
	} else {
		assertRefused(t, a.path, response, want, nil)
	}
	return response
}

// asked is a request and the reason it must get.
type asked struct {
	ask
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
	return asked{ask{method: "GET", path: path}, want}
}

func method(method, path string, headers map[string]string, want authz.Reason) asked {
	return asked{ask{method: method, path: path, headers: headers}, want}
}

func TestAttackPath(t *testing.T) {
	client, _ := routed(t)
	const protected, public, bad = authz.MissingToken, authz.Public, authz.BadPath
	preflight := map[string]string{"origin": "https://app", "access-control-request-method": "POST"}
	for name, rows := range map[string][]asked{
		"O1 dot segments": all(bad, "/public/../admin", "/public/./../admin", "/public/.", "/public/..", "/..", "/.", "/public/../", "/./public"),
		"O2 escaped dots and slashes": all(bad, "/public/%2e%2e/admin", "/public/..%2fadmin", "/public/%2E./a", "/public/%252e%252e/a", "/public%2f..%2fadmin",
			"/public/%5c", "/public/%5Cadmin", "/public/%2f", "/public/%25", "/public/%c0%ae%c0%ae/admin", "/public/%e0%80%ae"),
		"O3 empty segments": all(bad, "//public", "/public//..//admin", "///admin", "/public//", "//", "/public//a"),
		"O5 query and fragment": {
			get("/admin?x=/public", protected), get("/admin?/public", protected), get("/public?/../admin", public), get("/public?a#b;c", public),
			get("/admin#/public", bad), get("/public#", bad), get("/public#?", bad),
		},
		"O6 case": append(all(bad, "/PUBLIC", "/Public", "/Public/a", "/ADMIN", "/orgS/org_ab", "/org%C5%BF/org_ab", "/PUBLIC/?x", "/Both/"),
			get("/Else", protected), get("/public/A", public)),
		"O7 prefixes": all(protected, "/publicity", "/public-admin", "/public.", "/publi", "/a/public"),
		"O9 other forms": append(all(bad, "http://x/admin", "https://x/public/a", "*", "", "public", "?x", " /public", "x:/public"),
			method("CONNECT", "", nil, bad), method("OPTIONS", "*", nil, bad)),
		"O10 headers that rewrite": {method("GET", "/admin", map[string]string{
			"x-forwarded-uri": "/public", "x-original-url": "/public", "x-rewrite-url": "/public", "x-envoy-original-path": "/public", "x-forwarded-prefix": "/public",
		}, protected)},
		"O11 headers that name a method": {
			method("POST", "/both", map[string]string{"x-http-method-override": "GET", "x-method-override": "GET"}, protected),
			method("POST", "/both?_method=GET", nil, protected),
		},
		"O13 preflights": {method("OPTIONS", "/api/x", preflight, public), method("OPTIONS", "/admin", preflight, protected), method("POST", "/api/x", preflight, protected)},
		"O14 OPTIONS that is no preflight": {
			method("OPTIONS", "/api/x", nil, protected), method("OPTIONS", "/api/x", map[string]string{"origin": "https://app"}, protected),
			method("OPTIONS", "/api/x", map[string]string{"access-control-request-method": "GET"}, protected),
		},
		"O15 methods": {
			get("/both", public), method("HEAD", "/both", nil, public), method("get", "/both", nil, authz.BadRequest),
			method("TRACE", "/both", nil, protected), method("FOO", "/both", nil, protected), method("", "/both", nil, authz.BadRequest),
			method("Get", "/a//b", nil, authz.BadRequest), method("GE T", "/both", nil, authz.BadRequest), method("POST\n", "/both", nil, authz.BadRequest),
			method("G3T", "/both", nil, authz.BadRequest), method("M-SEARCH", "/both", nil, protected),
		},
		"O17 token where none is looked for": {method("GET", "/admin?access_token=a.b.c", map[string]string{"sec-websocket-protocol": "bearer, a.b.c", "cookie": "access_token=a.b.c"}, protected)},
		"O19 host":                           {method("GET", "/admin", map[string]string{"host": "public.internal", ":authority": "PUBLIC.internal.:80"}, protected)},
		"one trailing slash":                 append(all(public, "/public/", "/public", "/both/", "/public/a/b/"), get("/admin/", protected), get("/", protected)),
		"escapes and bytes": all(bad, "/public/%", "/public/%4", "/public/%zz", "/public/%41", "/public/%7E", "/public/%00", "/public/%0a", "/public/%7f",
			"/public/%3b", "/public/%3F", "/public/%23", "/public/%ff", "/public/%c3", "/public/a;b", "/public/..;/admin", "/public/a\\b", "/public/\x00",
			"/public/\x7f", "/public/é", "/public/a\tb", "/public/%c2%85", "/public/%2D", "/public/%C3/%A9"),
		"escapes that are needed": all(public, "/public/%20", "/public/%C3%A9", "/public/%c3%a9", "/public/%40", "/public/a%3Ab", "/public/%7B", "/public/a%2Bb",
			"/public/a+b", "/public/{x}", "/public/a@b,c=d&e", "/public/...", "/public/a b", "/public/%2A"),
	} {
		t.Run(name, func(t *testing.T) {
			for _, row := range rows {
				answers(t, client, row.ask, row.want)
			}
		})
	}
}

func TestAttackPublicRoutes(t *testing.T) {
	client, issuer := routed(t)
	t.Run("N10 no identity whatever came", func(t *testing.T) {
		for _, headers := range []map[string]string{
			{"x-kinde-user-id": "admin", "x_kinde_foo": "1"},
			{"x-kinde-user-id": "admin", "x_kinde_foo": "1", "authorization": "Bearer " + issuer.Token(issuer.UserClaims())},
			{"x-kinde-user-id": "admin", "x_kinde_foo": "1", "authorization": "Basic x, Bearer y"},
		} {
			response := answers(t, client, ask{method: "GET", path: "/public/x", headers: headers}, authz.Public)
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
			if fields["decision"].GetStringValue() != "allow" || fields["policy"] != nil || fields["actor"] != nil || fields["user_id"] != nil {
				t.Errorf("metadata: %v", fields)
			}
		}
	})
	t.Run("N9 a Connection header that names identity", func(t *testing.T) {
		answers(t, client, ask{method: "GET", path: "/public", headers: map[string]string{"connection": "close, x-kinde-actor"}}, authz.BadRequest)
	})
}

func TestAttackPolicies(t *testing.T) {
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
		"user where users may pass":                  {"/users", user, ""},
		"machine where users may pass":               {"/users", machine, authz.ActorNotAllowed},
		"user where machines may pass":               {"/machines", user, authz.ActorNotAllowed},
		"machine with all scopes":                    {"/machines", machine, ""},
		"machine without an organization":            {"/machines", machine.Without("org_code"), ""},
		"machine of an organization not listed":      {"/machines", machine.With("org_code", "org_x"), authz.OrgNotAllowed},
		"machine that lacks a scope":                 {"/machines", machine.With("scope", "jobs:run"), authz.InsufficientScope},
		"K23 scope that only begins the same":        {"/machines", machine.With("scope", "jobs:run agents:read_all"), authz.InsufficientScope},
		"K23 scope that only ends the same":          {"/machines", machine.With("scope", "jobs:run xagents:read"), authz.InsufficientScope},
		"organization of both lists":                 {"/acme", user, ""},
		"organization of the issuer's list alone":    {"/acme", user.With("org_code", "org_ab"), authz.OrgNotAllowed},
		"organization of the policy's list alone":    {"/other", user.With("org_code", "org_other"), authz.OrgNotAllowed},
		"L1 no organization":                         {"/acme", user.Without("org_code"), authz.OrgMissing},
		"L5 organization in the path":                {"/orgs/" + kindetest.Org + "/x", user, ""},
		"L5 organization alone in the path":          {"/orgs/" + kindetest.Org, user, ""},
		"L5 organization and slash":                  {"/orgs/" + kindetest.Org + "/", user, ""},
		"L5 another organization in the path":        {"/orgs/org_ab/x", user, authz.OrgMismatch},
		"L5 longer":                                  {"/orgs/" + kindetest.Org + "x/x", user, authz.OrgMismatch},
		"L5 shorter":                                 {"/orgs/org_acm/x", user, authz.OrgMismatch},
		"L5 other case":                              {"/orgs/ORG_ACME/x", user, authz.OrgMismatch},
		"L5 dot segments":                            {"/orgs/" + kindetest.Org + "/../org_ab", user, authz.BadPath},
		"L5 escaped slash":                           {"/orgs/" + kindetest.Org + "%2forg_ab", user, authz.BadPath},
		"L5 escaped underscore":                      {"/orgs/org%5Facme", user, authz.BadPath},
		"L5 blank behind":                            {"/orgs/" + kindetest.Org + "%20", user, authz.OrgMismatch},
		"L5 none in the path":                        {"/orgs", user, ""},
		"no organization where the path binds one":   {"/teams/" + kindetest.Org, user.Without("org_code"), authz.OrgMismatch},
		"the path's own organization, loose policy":  {"/teams/" + kindetest.Org, user, ""},
		"another's path, loose policy":               {"/teams/org_ab", user, authz.OrgMismatch},
		"L11 organization among properties":          {"/acme", user.Without("org_code").With("application_properties", map[string]any{"org_code": set("s", kindetest.Org)}), authz.OrgMissing},
		"all permissions":                            {"/run", user, ""},
		"a permission is missing":                    {"/run", user.With("permissions", []string{"agents:run"}), authz.MissingPermission},
		"no permissions":                             {"/run", user.Without("permissions"), authz.MissingPermission},
		"permissions joined with a comma":            {"/run", user.With("permissions", []string{"agents:read,agents:run"}), authz.MissingPermission},
		"permissions in another case":                {"/run", user.With("permissions", []string{"Agents:read", "agents:run"}), authz.MissingPermission},
		"permissions of Hasura's names":              {"/run", user.Without("permissions").With("x-hasura-permissions", []string{"agents:read", "agents:run"}), authz.MissingPermission},
		"a role":                                     {"/admin", user, ""},
		"a role as a string":                         {"/admin", user.With("roles", []string{"admin"}), ""},
		"a role's name for its key":                  {"/admin", user.With("roles", []any{map[string]any{"key": "x", "name": "admin", "id": "admin"}}), authz.MissingRole},
		"one role of two":                            {"/owner", user, authz.MissingRole},
		"no roles":                                   {"/admin", user.Without("roles"), authz.MissingRole},
		"flags as wanted":                            {"/flags", flags(good), ""},
		"a flag is off":                              {"/flags", flags(but("agent-v2", set("b", false))), authz.FeatureDisabled},
		"a flag of another type":                     {"/flags", flags(but("agent-v2", set("s", "true"))), authz.FeatureDisabled},
		"a flag whose type lies":                     {"/flags", flags(but("agent-v2", set("b", "true"))), authz.FeatureDisabled},
		"a flag with another text":                   {"/flags", flags(but("theme", set("s", "Pink"))), authz.FeatureDisabled},
		"a flag with another number":                 {"/flags", flags(but("seats", set("i", 6))), authz.FeatureDisabled},
		"a number that is a text":                    {"/flags", flags(but("seats", set("i", "5"))), authz.FeatureDisabled},
		"a flag that is not there":                   {"/flags", flags(map[string]any{}), authz.FeatureDisabled},
		"no flags":                                   {"/flags", user.Without("feature_flags"), authz.FeatureDisabled},
		"a boolean where a text is wanted":           {"/text", user, authz.FeatureDisabled},
		"a machine's flags":                          {"/flags", machine.With("feature_flags", good), authz.FeatureDisabled},
		"flags that are no object":                   {"/users", user.With("feature_flags", []any{}), kinde.InvalidClaims},
		"no route":                                   {"/elsewhere", user, ""},
		"no route, organization not allowed":         {"/elsewhere", user.With("org_code", "org_x"), authz.OrgNotAllowed},
		"scope before permission, actor before both": {"/machines", user.Without("permissions", "scp"), authz.ActorNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			answers(t, client, ask{method: "GET", path: row.path}.with(issuer.Token(row.claims)), row.want)
		})
	}
}

func TestAttackPolicyNamedByEnvoy(t *testing.T) {
	client, issuer := routed(t)
	token := issuer.Token(issuer.UserClaims())
	for name, row := range map[string]struct {
		path   string
		policy map[string]string
		want   authz.Reason
		chosen string
	}{
		"none":                              {"/users", nil, "", "users"},
		"another than the route's":          {"/users", map[string]string{"policy": "machines"}, authz.ActorNotAllowed, "machines"},
		"looser than the route's":           {"/owner", map[string]string{"policy": "users"}, "", "users"},
		"default":                           {"/owner", map[string]string{"policy": "default"}, "", "default"},
		"on a public route":                 {"/public/x", map[string]string{"policy": "machines"}, authz.ActorNotAllowed, "machines"},
		"where the path binds":              {"/orgs/org_ab/x", map[string]string{"policy": "users"}, authz.OrgMismatch, "users"},
		"S13 unknown":                       {"/users", map[string]string{"policy": "nobody"}, authz.UnknownPolicy, ""},
		"S13 empty":                         {"/users", map[string]string{"policy": ""}, authz.UnknownPolicy, ""},
		"S13 another case":                  {"/users", map[string]string{"policy": "Users"}, authz.UnknownPolicy, ""},
		"S13 misspelt key":                  {"/users", map[string]string{"Policy": "users"}, authz.UnknownPolicy, ""},
		"S13 misspelt key on public":        {"/public", map[string]string{"polciy": "users"}, authz.UnknownPolicy, ""},
		"S13 another key beside":            {"/users", map[string]string{"policy": "users", "tenant": "a"}, authz.UnknownPolicy, ""},
		"S13 another key beside an unknown": {"/public", map[string]string{"policy": "nobody", "tenant": "a"}, authz.UnknownPolicy, ""},
		"the path is judged first":          {"/a//b", map[string]string{"policy": "nobody"}, authz.BadPath, ""},
	} {
		t.Run(name, func(t *testing.T) {
			response := answers(t, client, ask{method: "GET", path: row.path, policy: row.policy}.with(token), row.want)
			if got := response.GetDynamicMetadata().GetFields()["policy"].GetStringValue(); got != row.chosen {
				t.Errorf("policy %q, want %q", got, row.chosen)
			}
		})
	}
}

func TestWithoutRoutesThePathIsNotJudged(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/public/../admin", "*", "", "//", "/%", "/a;b#c"} {
		answers(t, w.client, ask{method: "GET", path: path}.with(w.strict.Token(w.strict.UserClaims())), "")
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
			{Path: "/api/internal/**", Deny: true}, {Path: "/api/**"}, {Path: "/public/secret", Methods: []string{"GET"}, Deny: true},
			{Path: "/public/**", Methods: []string{"GET", "POST"}, Public: true},
		},
	}), server.Issuer
}

func TestAttackWhatNoRouteMatches(t *testing.T) {
	client, issuer := closed(t)
	user, machine := issuer.Token(issuer.UserClaims()), issuer.Token(issuer.MachineClaims())
	users := map[string]string{"policy": "users"}
	const denied, none = authz.RouteDenied, authz.NoRoute
	for name, row := range map[string]struct {
		ask
		want   authz.Reason
		policy string // in the metadata
	}{
		"no route":                              {ask{method: "GET", path: "/else"}.with(user), none, ""},
		"no route, no token":                    {ask{method: "GET", path: "/else"}, none, ""},
		"no route for the method":               {ask{method: "DELETE", path: "/public/x"}.with(user), none, ""},
		"no route, a policy named by Envoy":     {ask{method: "GET", path: "/else", policy: users}.with(user), "", "users"},
		"no route, a policy that denies":        {ask{method: "GET", path: "/else", policy: users}.with(machine), authz.ActorNotAllowed, "users"},
		"no route, an unknown policy":           {ask{method: "GET", path: "/else", policy: map[string]string{"policy": "x"}}, authz.UnknownPolicy, ""},
		"default is not defined":                {ask{method: "GET", path: "/api/x", policy: map[string]string{"policy": "default"}}.with(user), authz.UnknownPolicy, ""},
		"a route without a policy":              {ask{method: "GET", path: "/api/x"}.with(user), "", "default"},
		"a route without a policy, no token":    {ask{method: "GET", path: "/api/x"}, authz.MissingToken, "default"},
		"a route that denies":                   {ask{method: "GET", path: "/api/internal/x"}.with(user), denied, ""},
		"a route that denies, no token":         {ask{method: "GET", path: "/api/internal"}, denied, ""},
		"a route that denies, named policy":     {ask{method: "GET", path: "/api/internal/x", policy: users}.with(user), denied, ""},
		"a route that denies, unknown policy":   {ask{method: "GET", path: "/api/internal/x", policy: map[string]string{"policy": "x"}}, authz.UnknownPolicy, ""},
		"a route that denies, before public":    {ask{method: "GET", path: "/public/secret"}, denied, ""},
		"HEAD where GET is denied":              {ask{method: "HEAD", path: "/public/secret"}, denied, ""},
		"another method where GET is denied":    {ask{method: "POST", path: "/public/secret"}, authz.Public, ""},
		"HEAD where GET is public":              {ask{method: "HEAD", path: "/public/x"}, authz.Public, ""},
		"another case of a route that denies":   {ask{method: "GET", path: "/api/INTERNAL/x"}.with(user), authz.BadPath, ""},
		"another case of all":                   {ask{method: "GET", path: "/API/internal/x"}.with(user), authz.BadPath, ""},
		"long s and Kelvin sign, as Unicode":    {ask{method: "GET", path: "/public/%C5%BFecret"}, authz.BadPath, ""},
		"a letter that has no other form":       {ask{method: "GET", path: "/public/%C4%B1"}, authz.Public, ""},
		"another case that changes nothing":     {ask{method: "GET", path: "/api/Internals"}.with(user), "", "default"},
		"another case where no method matches":  {ask{method: "PUT", path: "/PUBLIC/x"}, none, ""},
		"case in what a wildcard takes":         {ask{method: "GET", path: "/api/ABC"}.with(user), "", "default"},
		"a Connection header, before the route": {ask{method: "GET", path: "/else", headers: map[string]string{"connection": "x.kinde!actor"}}, authz.BadRequest, ""},
	} {
		t.Run(name, func(t *testing.T) {
			response := answers(t, client, row.ask, row.want)
			if got := response.GetDynamicMetadata().GetFields()["policy"].GetStringValue(); got != row.policy {
				t.Errorf("policy %q, want %q", got, row.policy)
			}
		})
	}
}
