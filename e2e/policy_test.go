package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

const policies = `
policies:
  run: {permissions: [agents:run], scopes: [openid], feature_flags: {agent-v2: true}}
  admin: {roles: [admin, owner]}
  machines: {actors: [system], scopes: [jobs:run], allow_without_org: true}
routes:
  - {path: /public/**, public: true}
  - {path: /ws, public: true}
  - {path: "/api/agents/{agent}/generate", methods: [GET, POST], policy: run}
  - {path: /admin/**, policy: admin}
  - {path: /internal, policy: machines}
  - {path: "/orgs/{org_code}/**"}
resources: [{identifier: https://api.example.com, scopes: [jobs:run]}]
headers: {claims: {x-kinde-email: email}}
`

// withSettings writes a settings file and returns how to start with it.
func withSettings(t *testing.T, settings string) (path string, change func(*stack.Config)) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "authz.yaml")
	write(t, path, settings)
	return path, func(c *stack.Config) {
		c.AuthzEnv = []string{"KINDE_AUTHZ_CONFIG=" + path}
		c.EnvoyConfig = withPolicyRoute(t)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// withPolicyRoute returns the path of an envoy.yaml whose routes below /envoy
// choose the policy.
func withPolicyRoute(t *testing.T) string {
	t.Helper()
	const last = "              - match: {prefix: /}\n"
	shown := indented(blocksOf(t, "docs/settings.md", "yaml")[2], 16)
	if !strings.Contains(shown, "policy: run-agents") {
		t.Fatalf("docs/settings.md names another policy: %s", shown)
	}
	route := func(path, extensions string) string {
		return "              - match: {prefix: " + path + "}\n                route: {cluster: agent}\n" +
			strings.Replace(shown, "policy: run-agents", extensions, 1)
	}
	return edited(t, edit{last, route("/envoy/machines", "policy: machines") + route("/envoy/nobody", "policy: nobody") +
		route("/envoy/typo", "polciy: machines") + last})
}

// Attack V7: paths and tokens that a route does not admit.
func TestPoliciesThroughEnvoy(t *testing.T) {
	_, settings := withSettings(t, policies)
	s := own(t, settings)
	user, machine := s.Issuer.UserClaims(), s.Issuer.MachineClaims()
	for name, row := range map[string]struct {
		path, token string
		status      int
		reason      string
	}{
		"public, no token":           {"/public/x", "", 200, ""},
		"public, any token":          {"/public/x", "a.b.c", 200, ""},
		"dot segments resolved":      {"/public/../admin", "", 401, "missing_token"},
		"dot segments escaped":       {"/public/%2e%2e/admin", "", 401, "missing_token"},
		"slashes merged":             {"//public//x", "", 200, ""},
		"parameters":                 {"/public/a;b", "", 400, "bad_path"},
		"needed escape":              {"/public/%20", "", 200, ""},
		"query":                      {"/admin?/public", "", 401, "missing_token"},
		"case":                       {"/PUBLIC/x", "", 400, "bad_path"},
		"no route":                   {"/else", s.Issuer.Token(user), 403, "no_route"},
		"no route, no token":         {"/else", "", 403, "no_route"},
		"permissions, scopes, flags": {"/api/agents/weather/generate", s.Issuer.Token(user), 200, ""},
		"no permission": {
			"/api/agents/weather/generate", s.Issuer.Token(user.Without("permissions")), 403, "missing_permission",
		},
		"no scope": {"/api/agents/weather/generate", s.Issuer.Token(user.Without("scp")), 403, "insufficient_scope"},
		"no flag": {
			"/api/agents/weather/generate", s.Issuer.Token(user.Without("feature_flags")), 403, "feature_disabled",
		},
		"role":                         {"/admin/x", s.Issuer.Token(user), 403, "missing_role"},
		"both roles":                   {"/admin/x", s.Issuer.Token(user.With("roles", []string{"owner", "admin"})), 200, ""},
		"user at the machines'":        {"/internal", s.Issuer.Token(user), 403, "actor_not_allowed"},
		"machine":                      {"/internal", s.Issuer.Token(machine), 200, ""},
		"machine without organization": {"/internal", s.Issuer.Token(machine.Without("org_code")), 200, ""},
		"the same elsewhere":           {"/orgs/org_acme/x", s.Issuer.Token(machine.Without("org_code")), 403, "org_missing"},
		"own organization":             {"/orgs/org_acme/x", s.Issuer.Token(user), 200, ""},
		"another's organization":       {"/orgs/org_globex/x", s.Issuer.Token(user), 403, "org_mismatch"},
		"Envoy's policy":               {"/envoy/machines", s.Issuer.Token(user), 403, "actor_not_allowed"},
		"Envoy's policy, machine":      {"/envoy/machines", s.Issuer.Token(machine), 200, ""},
		"Envoy's policy unknown":       {"/envoy/nobody", s.Issuer.Token(user), 403, "unknown_policy"},
		"Envoy's key unknown":          {"/envoy/typo", s.Issuer.Token(user), 403, "unknown_policy"},
	} {
		t.Run(name, func(t *testing.T) {
			got := sendRaw(t, s, "GET "+row.path+" HTTP/1.1", "host: x", "x-kinde-user-id: forged",
				"authorization: Bearer "+row.token)
			if row.token == "" {
				got = sendRaw(t, s, "GET "+row.path+" HTTP/1.1", "host: x", "x-kinde-user-id: forged")
			}
			if got.status != row.status || got.Reason != row.reason {
				t.Errorf("%d %s, want %d %s", got.status, got.Reason, row.status, row.reason)
			}
			if strings.HasPrefix(row.path, "/public") && row.status == 200 && len(got.Identity) > 0 {
				t.Errorf("the agent saw %v", got.Identity)
			}
		})
	}
	t.Run("claim", func(t *testing.T) {
		got := send(t, protocols["HTTP/2"], s.URL+"/orgs/org_acme", s.Issuer.Token(user.With("email", "ü@x")),
			"x-kinde-email: forged")
		if value := got.Identity["x-kinde-email"]; len(value) != 1 || value[0] != "%C3%BC@x" {
			t.Errorf("the agent saw %q", value)
		}
	})
	t.Run("public WebSocket", func(t *testing.T) {
		conn, _, err := websocket.Dial(t.Context(), s.URL+"/ws", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		if _, got, err := conn.Read(t.Context()); err != nil || string(got) != "" {
			t.Errorf("the agent greets %q, %v: want nobody", got, err)
		}
	})
}

var quoted = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)

// A client that knows nothing but the API finds its issuer, gets a token, and
// passes (RFC 9728, as the Model Context Protocol uses it).
func TestClientDiscoversTheIssuer(t *testing.T) {
	_, settings := withSettings(t, policies)
	s := own(t, settings)
	client := protocols["HTTP/1.1"]
	denied := send(t, client, s.URL+"/internal", "")
	challenge := map[string]string{}
	for _, pair := range quoted.FindAllStringSubmatch(denied.header.Get("WWW-Authenticate"), -1) {
		challenge[pair[1]] = pair[2]
	}
	if denied.status != 401 || challenge["scope"] != "jobs:run" {
		t.Fatalf("%d %v", denied.status, denied.header)
	}
	where, err := url.Parse(challenge["resource_metadata"])
	if err != nil || where.Host != "api.example.com" {
		t.Fatalf("%v %v", challenge, err)
	}
	var resource struct {
		Resource             string
		AuthorizationServers []string `json:"authorization_servers"`
	}
	getJSON(t, s.URL+where.Path, &resource) // api.example.com is this Envoy
	if resource.Resource != kindetest.Audience || len(resource.AuthorizationServers) != 1 {
		t.Fatalf("%+v", resource)
	}
	var issuer struct {
		TokenEndpoint string `json:"token_endpoint"`
	}
	getJSON(t, resource.AuthorizationServers[0]+"/.well-known/openid-configuration", &issuer)
	response, err := http.PostForm(issuer.TokenEndpoint, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"client"}, "client_secret": {"secret"},
		"audience": {resource.Resource}, "scope": {challenge["scope"]},
	})
	if err != nil {
		t.Fatal(err)
	}
	var grant struct {
		AccessToken string `json:"access_token"`
	}
	decode(t, response, &grant)
	got := send(t, client, s.URL+"/internal", grant.AccessToken)
	if got.status != 200 || got.Identity["x-kinde-client-id"][0] != "client" {
		t.Errorf("%d %s %v", got.status, got.Reason, got.Identity)
	}
	head, err := http.Head(s.URL + where.Path)
	if err != nil || head.StatusCode != 200 || head.Header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %v, %v", head, err)
	}
}

func getJSON(t *testing.T, address string, into any) {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	decode(t, response, into)
}

func decode(t *testing.T, response *http.Response, into any) {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("%d %s %v", response.StatusCode, body, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
}
