package extauthz_test

import (
	"encoding/json"
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

const (
	wellKnown = "/.well-known/oauth-protected-resource"
	weather   = "https://weather.example.com"
	cities    = "https://maps.example.com"
)

// denialHeaders returns the headers of a denial.
func denialHeaders(response *authv3.CheckResponse) map[string]string {
	all := map[string]string{}
	for _, h := range response.GetDeniedResponse().GetHeaders() {
		all[h.GetHeader().GetKey()] = h.GetHeader().GetValue()
	}
	return all
}

// judged is answers for every reason there is.
func judged(t *testing.T, client authv3.AuthorizationClient, sent request, want authz.Reason) *authv3.CheckResponse {
	t.Helper()
	switch want {
	case authz.Allowed:
		return answers(t, client, sent, "")
	case authz.MetadataDocument:
	default:
		return answers(t, client, sent, want)
	}
	response, err := client.Check(t.Context(), sent.InList())
	if err != nil {
		t.Fatal(err)
	}
	got := response.GetDynamicMetadata().GetFields()["reason"].GetStringValue()
	if got != string(want) || response.GetStatus().GetCode() == 0 {
		t.Errorf("%s: got %s, want %s", sent.Path, got, want)
	}
	return response
}

// apis is a server of several resources: two with an audience of their own, one
// below the other, and one that takes that of the issuer.
func apis(t *testing.T, list ...authz.Resource) (authv3.AuthorizationClient, *kindetest.Issuer) {
	t.Helper()
	server := kindetest.NewServer()
	t.Cleanup(server.Close)
	url := server.Issuer.URL
	if list == nil {
		list = []authz.Resource{
			{Identifier: "https://api.example.com", Name: "All", Documentation: "https://docs.example.com/all"},
			{Identifier: "https://api.example.com/mcp/weather/", Audience: []string{weather, "https://old.example.com"}},
			{Identifier: "https://api.example.com/mcp/weather/maps%20a", Audience: []string{cities}},
		}
	}
	return serveWith(t, kinde.Config{
		Issuers: []kinde.Issuer{{Domain: url, Audience: []string{kindetest.Audience}}},
	}, authz.Config{Issuers: map[string]authz.Rules{url: {}}, Resources: list}), server.Issuer
}

// Attack Y1: a token that is remembered for one resource is judged anew for
// another, in any order.
func TestResourcesHaveAudiencesOfTheirOwn(t *testing.T) {
	client, issuer := apis(t)
	token := func(audience ...string) string {
		return issuer.Token(issuer.UserClaims().With("aud", append([]string{}, audience...)))
	}
	atWeather := []string{"/mcp/weather", "/mcp/weather/", "/mcp/weather?x=/", "/mcp/weather/x/y"}
	atMaps := []string{"/mcp/weather/maps%20a", "/mcp/weather/maps%20a/x"}
	atRoot := []string{"/", "/mcp", "/mcp/weather2", "/mcp/weatherx/maps%20a", "/x/mcp/weather", "/mcp%20/weather"}
	const root = "https://api.example.com" + wellKnown
	for name, row := range map[string]struct {
		token               string
		root, weather, maps authz.Reason
	}{
		"for the issuer's audience": {token(kindetest.Audience), authz.Allowed, kinde.WrongAudience, kinde.WrongAudience},
		"for one":                   {token(weather), kinde.WrongAudience, authz.Allowed, kinde.WrongAudience},
		"for one by its second name": {
			token("https://old.example.com"), kinde.WrongAudience, authz.Allowed, kinde.WrongAudience,
		},
		"for the one below": {token(cities), kinde.WrongAudience, kinde.WrongAudience, authz.Allowed},
		"for two":           {token(cities, kindetest.Audience), authz.Allowed, kinde.WrongAudience, authz.Allowed},
		"for none":          {token(), kinde.EmptyAudience, kinde.EmptyAudience, kinde.EmptyAudience},
		"for another":       {token("https://x"), kinde.WrongAudience, kinde.WrongAudience, kinde.WrongAudience},
		"of nobody, for one": {
			issuer.Token(issuer.UserClaims().Without("sub").With("aud", weather)),
			kinde.WrongAudience, kinde.UnknownActor, kinde.WrongAudience,
		},
	} {
		for range 2 { // once verified, once remembered
			for _, at := range []struct {
				paths    []string
				reason   authz.Reason
				document string
			}{
				{atRoot, row.root, root},
				{atWeather, row.weather, root + "/mcp/weather"},
				{atMaps, row.maps, root + "/mcp/weather/maps%20a"},
			} {
				for _, path := range at.paths {
					response := judged(t, client, envoytest.Get(path).Bearer(row.token), at.reason)
					challenge := denialHeaders(response)["www-authenticate"]
					if at.reason != authz.Allowed && at.reason != kinde.UnknownActor &&
						!strings.HasSuffix(challenge, `resource_metadata="`+at.document+`"`) {
						t.Errorf("%s at %s: %s", name, path, challenge)
					}
				}
			}
		}
	}
	t.Run("Y2 another case", func(t *testing.T) {
		for _, path := range []string{
			"/MCP/weather", "/mcp/Weather/x", "/mcp/weather/MAPS%20a", "/mcp/weather/map%C5%BF%20a",
		} {
			judged(t, client, envoytest.Get(path).Bearer(token(kindetest.Audience)), authz.BadPath)
		}
	})
}

// Attack Y1: the audience of a resource takes the place of that of an issuer which has none.
func TestAResourcesAudienceIsAskedOfEveryIssuer(t *testing.T) {
	server := kindetest.NewServer()
	t.Cleanup(server.Close)
	url := server.Issuer.URL
	client := serveWith(t, kinde.Config{Issuers: []kinde.Issuer{{Domain: url}}}, authz.Config{
		Issuers:   map[string]authz.Rules{url: {}},
		Resources: []authz.Resource{{Identifier: "https://api.example.com/a", Audience: []string{weather}}},
	})
	token := server.Token(server.UserClaims())
	judged(t, client, envoytest.Get("/b").Bearer(token), authz.Allowed)
	judged(t, client, envoytest.Get("/a").Bearer(token), kinde.WrongAudience)
	judged(t, client, envoytest.Get("/a").Bearer(server.Token(server.UserClaims().Without("aud"))), kinde.EmptyAudience)
	judged(t, client, envoytest.Get("/a").Bearer(server.Token(server.UserClaims().With("aud", weather))), authz.Allowed)
}

func TestEachResourceHasADocument(t *testing.T) {
	client, _ := apis(t)
	for path, want := range map[string]map[string]any{
		wellKnown: {
			"resource": "https://api.example.com", "resource_name": "All",
			"resource_documentation": "https://docs.example.com/all",
		},
		wellKnown + "/mcp/weather":             {"resource": "https://api.example.com/mcp/weather/"},
		wellKnown + "/mcp/weather/maps%20a/?x": {"resource": "https://api.example.com/mcp/weather/maps%20a"},
	} {
		want["bearer_methods_supported"] = []any{"header"}
		var got map[string]any
		response := judged(t, client, envoytest.Get(path), authz.MetadataDocument)
		if err := json.Unmarshal([]byte(response.GetDeniedResponse().GetBody()), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", path, diff)
		}
	}
	only, _ := apis(t, authz.Resource{Identifier: "https://api.example.com/a"},
		authz.Resource{Identifier: "https://api.example.com/b"})
	judged(t, only, envoytest.Get(wellKnown), authz.MissingToken) // it is nobody's
	judged(t, only, envoytest.Get(wellKnown+"/a"), authz.MetadataDocument)
}

// A page of another origin may ask before it reads a document, and read denials.
func TestBrowsersReadDocumentsAndDenials(t *testing.T) {
	client, issuer := apis(t, authz.Resource{Identifier: "https://api.example.com/a"})
	ask := envoytest.New("OPTIONS", wellKnown+"/a").With("origin", "https://inspector.example.com").
		With("access-control-request-method", "GET").With("access-control-request-headers", "mcp-protocol-version")
	response := judged(t, client, ask, authz.MetadataDocument)
	denied := response.GetDeniedResponse()
	want := map[string]string{
		"access-control-allow-origin": "*", "access-control-allow-methods": "GET, HEAD", "access-control-allow-headers": "*",
	}
	if diff := cmp.Diff(want, denialHeaders(response)); diff != "" || denied.GetStatus().GetCode() != 204 ||
		denied.GetBody() != "" || response.GetStatus().GetCode() == 0 {
		t.Errorf("%v\n%s", response, diff)
	}
	from := func(r request) request { return r.With("origin", "null") }
	expired := issuer.Token(issuer.UserClaims().With("iat", 1).With("exp", 2))
	for name, row := range map[string]struct {
		request
		reason authz.Reason
		cors   bool
	}{
		"no token":                {from(envoytest.Get("/a")), authz.MissingToken, true},
		"an expired token":        {from(envoytest.Get("/a/b").Bearer(expired)), kinde.TokenExpired, true},
		"an unknown policy":       {from(envoytest.Get("/a").Policy("x")), authz.UnknownPolicy, true},
		"a method in lower case":  {from(envoytest.New("get", "/a")), authz.BadRequest, true},
		"a preflight":             {from(envoytest.New("OPTIONS", "/a")), authz.MissingToken, true},
		"without an origin":       {envoytest.Get("/a"), authz.MissingToken, false},
		"another path":            {from(envoytest.Get("/b")), authz.MissingToken, false},
		"a path that is not one":  {from(envoytest.Get("/a//")), authz.BadPath, false},
		"a path in another case":  {from(envoytest.Get("/A")), authz.BadPath, false},
		"neither method nor path": {from(envoytest.New("get", "/A")), authz.BadRequest, false},
	} {
		headers := denialHeaders(judged(t, client, row.request, row.reason))
		wanted := map[bool][2]string{true: {"*", "WWW-Authenticate"}}[row.cors]
		got := [2]string{headers["access-control-allow-origin"], headers["access-control-expose-headers"]}
		if got != wanted {
			t.Errorf("%s: got %q, want %q", name, got, wanted)
		}
	}
}

func TestResourcesThatAreRefused(t *testing.T) {
	a := authz.Resource{Identifier: "https://api.example.com/a"}
	empty := authz.Resource{Identifier: "https://a", Audience: []string{"x", ""}}
	for want, list := range map[string][]authz.Resource{
		"resources.1.identifier: another resource has the same path": {a, {Identifier: "https://other.example.com/a/"}},
		`identifier: "https://a/*": its path is no pattern`:          {a, {Identifier: "https://a/*"}},
		`identifier: "https://a/{b}": its path is no pattern`:        {a, {Identifier: "https://a/{b}"}},
		"resources.1.identifier: another resource has the same":      {a, {Identifier: "https://api.example.com/A"}},
		"resources.0.audience: the list is empty":                    {{Identifier: a.Identifier, Audience: []string{}}},
		"resources.0.audience.1: the item":                           {empty},
		"resources.0.scopes.0: ":                                     {{Identifier: a.Identifier, Scopes: []string{"a b"}}},
		"resources.0.documentation: ":                                {{Identifier: a.Identifier, Documentation: "docs"}},
	} {
		if err := accepts(list...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
