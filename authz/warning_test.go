package authz

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// warned returns what is warned of, each with the number of the route, or the
// name of the policy.
func warned(config Config) (all []string) {
	for _, w := range Warnings(config) {
		all = append(all, w.Path[1]+": "+w.Text)
	}
	return all
}

func TestWarnings(t *testing.T) {
	const (
		everything  = "matches every path: requests that no earlier route matches pass without a token"
		taken       = "takes every request it would match"
		byCase      = "when case is ignored, so they are refused as bad_path"
		unprotected = "its requests pass without a token"
	)
	p := func(path string, methods ...string) Route { return Route{Path: path, Methods: methods, Policy: "p"} }
	open := func(path string, methods ...string) Route { return Route{Path: path, Methods: methods, Public: true} }
	for name, row := range map[string]struct {
		routes []Route
		want   []string
	}{
		"nothing": {[]Route{p("/a"), p("/b/{agent}/**"), {Path: "/c"}, open("/d"), p("/orgs/{org_code}/**")}, nil},
		"covered": {[]Route{p("/a/*"), p("/a/b")}, []string{"1: route /a/b is unreachable: the earlier route /a/* " + taken}},
		"covered by two": {
			[]Route{p("/c", "PUT"), p("/c", "POST"), p("/c", "POST", "PUT")},
			[]string{"2: route /c is unreachable: the earlier route /c " + taken},
		},
		"all methods": {[]Route{p("/c", "PUT"), p("/c", "POST"), p("/c")}, nil},
		"HEAD under GET": {
			[]Route{p("/c", "GET"), p("/c", "HEAD")},
			[]string{"1: route /c is unreachable: the earlier route /c " + taken},
		},
		"HEAD and GET under GET": {
			[]Route{p("/c", "GET"), p("/c", "HEAD", "GET")},
			[]string{"1: route /c is unreachable: the earlier route /c " + taken},
		},
		"GET under HEAD": {[]Route{p("/c", "HEAD"), p("/c", "GET")}, nil},
		"by case alone": {
			[]Route{p("/API/**"), p("/api/x")},
			[]string{"1: route /api/x is unreachable: its paths match the earlier route /API/** " + byCase},
		},
		"by case, more specific": {[]Route{p("/API/x"), p("/api/**")}, nil},
		"by case, Unicode": {
			[]Route{p("/K"), p("/%E2%84%AA")},
			[]string{"1: route /%E2%84%AA is unreachable: its paths match the earlier route /K " + byCase},
		},
		"by case, other methods": {[]Route{p("/API", "POST"), p("/api", "GET")}, nil},
		"encoded": {
			[]Route{p("/a@b"), p("/a%40b")},
			[]string{"1: route /a%40b is unreachable: the earlier route /a@b " + taken},
		},
		"preflight of all":       {[]Route{open("/**", "OPTIONS"), p("/a/**")}, nil},
		"preflight before it":    {[]Route{open("/f", "OPTIONS"), p("/f", "OPTIONS")}, nil},
		"public everything":      {[]Route{p("/a"), open("/**")}, []string{"1: public route /** " + everything}},
		"public everything, GET": {[]Route{p("/a"), open("/**", "GET")}, []string{"1: public route /** " + everything}},
		"public almost all":      {[]Route{open("/{x}/*/**")}, []string{"0: public route /{x}/*/** " + everything}},
		"public after": {
			[]Route{p("/a/b"), open("/a/**")},
			[]string{"1: public route /a/** covers route /a/b: similar requests that miss that one pass without a token"},
		},
		"public before": {
			[]Route{open("/a/*"), p("/a/b", "GET")},
			[]string{
				"0: public route /a/* covers the later route /a/b: " + unprotected,
				"1: route /a/b is unreachable: the earlier route /a/* " + taken,
			},
		},
		"public in part": {
			[]Route{open("/a/**", "GET"), p("/a/b")},
			[]string{"0: public route /a/** covers the later route /a/b: " + unprotected},
		},
		"public HEAD": {
			[]Route{open("/a", "HEAD"), p("/a", "GET")},
			[]string{"0: public route /a covers the later route /a: " + unprotected},
		},
		"public, other methods":   {[]Route{open("/a/**", "GET"), p("/a/b", "POST")}, nil},
		"public under public":     {[]Route{open("/a/b"), open("/a/**")}, nil},
		"public, wider elsewhere": {[]Route{open("/a/b"), p("/a/**")}, nil},
		"public looks bound":      {[]Route{open("/orgs/{org}")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := warned(Config{Policies: map[string]Policy{"default": {}, "p": {}}, Routes: row.routes})
			got = slices.DeleteFunc(got, func(text string) bool { return strings.HasPrefix(text, "p: ") })
			if diff := cmp.Diff(row.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestSegmentsThatLookLikeABinding(t *testing.T) {
	for matches, segments := range map[string][]string{
		"any segment": {
			"{org}", "{orgCode}", "{org-code}", "{organization}", "{orgId}", "{organisation_id}", "{ORG_CODE}",
			"{Org_Code}", "{orgcode}", "{org_cod}", "{kindeOrg}", "{user-org-code}",
		},
		`only the text ":org_code"`:  {":org_code"},
		`only the text ":org"`:       {":org"},
		`only the text ":orgCode"`:   {":orgCode"},
		`only the text "<org_code>"`: {"<org_code>"},
		`only the text "[org]"`:      {"[org]"},
		`only the text "$org_code"`:  {"$org_code"},
		`only the text "{org_code}"`: {"%7Borg_code%7D"},
		`only the text "org_code"`:   {"org_code"},
		`only the text "orgCode"`:    {"orgCode"},
		"": {
			"{org_code}", "{agent}", "{tenant}", "orgs", "org", "organizations", "*", ":id", "{forge}",
		},
	} {
		for _, segment := range segments {
			for _, policy := range []string{"p", ""} {
				path := "/x/" + segment + "/y"
				var want []string
				if matches != "" {
					want = []string{"0: route " + path + ": segment " + segment + " matches " + matches +
						" and is not compared with the token's organization: write {org_code}, or use another name"}
				}
				routes := []Route{{Path: path, Policy: policy}, {Path: "/used", Policy: "p"}}
				got := warned(Config{Policies: map[string]Policy{"p": {}}, Routes: routes})
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got)\n%s", segment, diff)
				}
			}
		}
	}
}

func TestPoliciesThatNoRouteNames(t *testing.T) {
	policies := map[string]Policy{"default": {}, "used": {}, "unused": {}}
	if got := warned(Config{Policies: policies}); got != nil {
		t.Errorf("without routes: %v", got)
	}
	almost := []string{"Default: policy Default is not the default policy: write default, in lower case"}
	if diff := cmp.Diff(almost, warned(Config{Policies: map[string]Policy{"Default": {}, "other": {}}})); diff != "" {
		t.Errorf("without routes (-want +got)\n%s", diff)
	}
	got := warned(Config{Policies: policies, Routes: []Route{{Path: "/a", Policy: "used"}}})
	want := []string{"unused: no route and no tool names policy unused: it applies only where Envoy names it in context_extensions"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWarningsOfMCP(t *testing.T) {
	config := Config{
		Policies: map[string]Policy{"read": {}, "delete": {}, "other": {}},
		Routes: []Route{
			{Path: "/a", MCP: &MCP{Tools: []Tool{
				{Name: "get_x"}, {Name: "get_*", Policy: "read"}, {Name: "get_y*"}, {Name: "get_x", Policy: "delete"},
				{Name: "*"}, {Name: "delete_*", Policy: "delete"},
			}}},
			{Path: "/b", Methods: []string{"GET"}, MCP: &MCP{EnvoyMetadata: true}},
			{Path: "/c", MCP: &MCP{Tools: []Tool{{Name: "get_x"}, {Name: "get_x*"}, {Name: "get_"}, {Name: "get_*"}}}},
		},
	}
	var got []string
	for _, w := range Warnings(config) {
		got = append(got, strings.Join(w.Path, ".")+": "+w.Text)
	}
	want := []string{
		"routes.0.mcp.tools.2: route /a: tool get_y* is never looked at: the earlier entry get_* takes it",
		"routes.0.mcp.tools.3: route /a: tool get_x is never looked at: the earlier entry get_x takes it",
		"routes.0.mcp.tools.5: route /a: tool delete_* is never looked at: the earlier entry * takes it",
		"routes.1.mcp: route /b: mcp guards nothing: messages come by POST, which the route does not take",
		"routes.1.mcp.envoy_metadata: route /b: envoy_metadata believes Envoy's MCP filter: " +
			"it must refuse repeated names and cover the whole body",
		"policies.other: no route and no tool names policy other: it applies only where Envoy names it in context_extensions",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A configuration that is refused has no warnings.
func TestNoWarningsOfWhatIsRefused(t *testing.T) {
	for _, config := range []Config{
		{Policies: map[string]Policy{"p": {Scopes: []string{}}}, Routes: []Route{{Path: "/{org}"}}},
		{Routes: []Route{{Path: "/{org}", Policy: "nobody"}}},
	} {
		if got := Warnings(config); got != nil {
			t.Errorf("%+v: %+v", config, got)
		}
	}
}
