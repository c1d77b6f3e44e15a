package policytest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// dice make random settings and cases, as text.
type dice struct{ *rand.Rand }

func (d dice) one(of ...string) string { return of[d.IntN(len(of))] }

// maybe returns one of these, or, as often as not, nothing.
func (d dice) maybe(of ...string) string {
	if d.IntN(2) > 0 {
		return ""
	}
	return d.one(of...)
}

// rarely returns one of the others instead of the first, once in so many times.
func (d dice) rarely(often string, seldom ...string) string {
	if d.IntN(12) > 0 {
		return often
	}
	return d.one(seldom...)
}

// mapping is a mapping of those settings that say something.
func mapping(settings ...string) string {
	settings = slices.DeleteFunc(settings, func(s string) bool { return s == "" })
	return "{" + strings.Join(settings, ", ") + "}"
}

func (d dice) policy() string {
	return mapping(
		d.maybe("actors: [user]", "actors: [system]"),
		d.maybe("allowed_orgs: [org_a]", "allowed_orgs: [org_a, org_b]"),
		d.maybe("allow_without_org: true"),
		d.maybe("scopes: [s1]", "scopes: [s1, s2]"), d.maybe("permissions: [p1]"), d.maybe("roles: [r1]"),
		d.maybe("feature_flags: {f: true}"), d.maybe("shadow: true"),
	)
}

func (d dice) issuer(domain string) string {
	return "  - " + mapping(
		"domain: "+domain, d.maybe("audience: [https://api]"), d.maybe("allowed_orgs: [org_a, org_c]"),
		d.maybe("actors: [user]"),
	) + "\n"
}

const routes = `routes:
  - {path: /public, public: true}
  - {path: /closed/**, deny: true}
  - {path: "/orgs/{org_code}/**", policy: one}
  - {path: /two, methods: [POST], policy: two}
  - {path: /mcp/**, mcp: {origins: ["https://app"], tools: [{name: "get_*", policy: one}, {name: set}]}}
`

func (d dice) settings() string {
	text := "issuers:\n" + d.issuer("https://a.kinde.com") + d.issuer("https://b.kinde.com") + "policies:\n" +
		"  one: " + d.policy() + "\n  two: " + d.policy() + "\n"
	if d.IntN(2) > 0 {
		text += "  default: " + d.policy() + "\n"
	}
	if d.IntN(5) > 0 {
		text += routes
	}
	return text + d.maybe("resources: [{identifier: https://x/mcp, audience: [https://mcp], scopes: [s1]}]\n") +
		d.maybe("leeway: 0s\n") + d.maybe("headers: {claims: {x-kinde-email: email}, forward_authorization: false}\n")
}

func (d dice) token() string {
	if d.IntN(8) == 0 {
		return ""
	}
	return "    token: " + mapping(
		d.rarely(d.maybe("iss: https://b.kinde.com"), "iss: https://c.kinde.com"),
		d.rarely("", "aud: [https://api]", "aud: null", "aud: [https://mcp]"),
		d.rarely(d.maybe("gty: [client_credentials]", "sub: kp_ü"), "sub: null"),
		d.maybe("org_code: org_a", "org_code: org_b", "org_code: null"),
		d.rarely("scp: [s1, s2]", "scp: [s1]", "scp: x"),
		d.maybe("permissions: [p1]", "permissions: ['p,2']"), d.maybe("roles: [r1]", "roles: [{key: r1}]"),
		d.maybe("feature_flags: {f: {t: b, v: true}}"),
		d.rarely("email: a@b", "nonce: n", "azp: null", "exp: 1e3"),
	) + "\n"
}

func (d dice) request() string {
	path := d.rarely(d.one("/", "/orgs/org_a", "/orgs/org_b/x", "/two", "/mcp", "/mcp/a", "/mcp/b"),
		"/MCP", "/a//b", "/public", "/closed/a")
	path = d.rarely(path, "/.well-known/oauth-protected-resource/mcp")
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + d.one("get_x", "set", "else") + `"}}`
	return mapping(
		"method: "+d.rarely(d.one("GET", "POST", "POST", "POST"), "post", "DELETE"), "path: "+path,
		d.rarely(d.maybe("headers: {X-Kinde-User-Id: admin, x_kinde_b: c, origin: 'https://app'}"),
			"headers: {origin: 'null'}", "headers: {connection: x-kinde-actor}", "headers: {mcp-name: get_x, x-request-id: r}"),
		d.rarely("", "policy: one", "policy: two", "policy: nobody"), d.rarely("body: '"+call+"'", "body: '{'"),
	)
}

func (d dice) cases(n int) string {
	var out strings.Builder
	out.WriteString("settings: s.yaml\ntests:\n")
	for range n {
		at := d.rarely("", "    at: -1h\n", "    at: 1h\n", "    at: 24h10s\n", "    at: 25h\n")
		fmt.Fprintf(&out, "  - name: random\n    request: %s\n%s%s    want: {status: 500}\n", d.request(), d.token(), at)
	}
	return out.String()
}
