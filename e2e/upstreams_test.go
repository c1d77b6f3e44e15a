package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

// sampleUpstreams are the commands of the servers in upstreams/, with a folder of their own
// to run in.
var sampleUpstreams = map[string]func(t *testing.T, tools, dir string) *exec.Cmd{
	"Express": func(t *testing.T, tools, dir string) *exec.Cmd {
		return nodeServer(t, tools, dir, "express")
	},
	"FastAPI": func(t *testing.T, tools, dir string) *exec.Cmd {
		copyUpstreams(t, dir)
		return exec.Command(filepath.Join(tools, "venv/bin/python"), filepath.Join(dir, "fastapi/server.py"))
	},
	"net/http": func(t *testing.T, _, dir string) *exec.Cmd {
		build := exec.Command("go", "build", "-o", dir, "./upstreams/nethttp")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return exec.Command(filepath.Join(dir, "nethttp"))
	},
}

func copyUpstreams(t *testing.T, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS("upstreams")); err != nil {
		t.Fatal(err)
	}
}

// nodeServer is the command of a server in one of the folders. Node looks for modules
// beside the file that imports them.
func nodeServer(t *testing.T, tools, dir, name string) *exec.Cmd {
	t.Helper()
	copyUpstreams(t, dir)
	for _, folder := range []string{"express", "mastra"} {
		err := os.Symlink(filepath.Join(tools, folder, "node_modules"), filepath.Join(dir, folder, "node_modules"))
		if err != nil {
			t.Fatal(err)
		}
	}
	return exec.Command("node", filepath.Join(dir, name, "server.js"))
}

// upstreamTools is where what the upstreams need is installed.
func upstreamTools(t *testing.T) string {
	t.Helper()
	install := exec.Command("../scripts/upstreams")
	install.Stderr = os.Stderr
	out, err := install.Output()
	if err != nil {
		t.Fatalf("scripts/upstreams: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// guardedUpstream is a sample upstream behind Envoy.
type guardedUpstream struct {
	*stack.Stack
	direct  string // its own URL
	keyFile string
	private any // what the file holds
}

// guard starts an upstream and a stack before it. The upstream asks for keys at an
// address of the test's, as that of the admin port is not known before it starts.
func guard(t *testing.T, start func(*testing.T, string, string) *exec.Cmd) *guardedUpstream {
	t.Helper()
	var admin atomic.Pointer[string]
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		response, err := http.Get(*admin.Load() + "/jwks")
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body)
	}))
	t.Cleanup(relay.Close)

	command := start(t, upstreamTools(t), t.TempDir())
	command.Env = append(os.Environ(), "ASSERTION_JWKS="+relay.URL, "ASSERTION_AUDIENCE=https://agents.example.com",
		"PORT=0")
	var log process.Log
	server, address := run(t, command, &log), ""
	until(t, server, "its address", func() (found bool) {
		address, found = strings.CutSuffix(log.String(), "\n")
		return found
	})

	g := &guardedUpstream{direct: "http://" + address, keyFile: filepath.Join(t.TempDir(), "keys.pem")}
	private, text := newKey(t, "P-256")
	g.private = private
	write(t, g.keyFile, text)
	_, settings := withSettings(t, "assertion: {key_file: "+g.keyFile+", audience: https://agents.example.com}\n"+
		"headers: {claims: {x-kinde-name: name}}\n")
	g.Stack = own(t, func(c *stack.Config) {
		settings(c)
		c.Upstream = address
	})
	admin.Store(&g.AuthzAdmin)
	return g
}

// whoami is what an upstream answers: its status and whom it takes the caller for.
func whoami(t *testing.T, url string, header map[string]string) (status int, who map[string]any) {
	t.Helper()
	return jsonFrom(t, url+"/api/whoami", header)
}

// jsonFrom is what is answered to a GET. A body that is no JSON is nothing unless the status is 200.
func jsonFrom(t *testing.T, url string, header map[string]string) (status int, body map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil && response.StatusCode == http.StatusOK {
		t.Fatal(err)
	}
	return response.StatusCode, body
}

// Attack V13: the upstream is reached round Envoy. Each sample reads the identity right
// and refuses whoever does not come through Envoy.
func TestUpstreamsRefuseWhoeverComesRoundEnvoy(t *testing.T) {
	for name, start := range sampleUpstreams {
		t.Run(name, func(t *testing.T) {
			g := guard(t, start)
			identities(t, g)
			bypasses(t, g)
			if name == "net/http" {
				callTool(t, g)
			}
			rotation(t, g)
		})
	}
}

// identities reach the upstream, decoded, whatever the client claims. Where the headers
// have no room for a list, the header of a claim went before it.
func identities(t *testing.T, g *guardedUpstream) {
	user := g.Issuer.UserClaims().With("sub", "kp_ü x%+").With("name", "Zoë, Müller").
		With("permissions", []string{"a,b", "c d", "100%"}).With("scp", []string{"openid", "x y"}).Without("roles")
	machine := g.Issuer.MachineClaims()
	for name, row := range map[string]struct {
		token string
		want  map[string]any
	}{
		"user": {g.Issuer.Token(user), map[string]any{
			"actor": "user", "user": "kp_ü x%+", "client": user["azp"], "org": user["org_code"], "name": "Zoë, Müller",
			"permissions": []any{"a,b", "c d", "100%"}, "scopes": []any{"openid", "x y"}, "roles": []any{},
		}},
		"machine": {g.Issuer.Token(machine), map[string]any{
			"actor": "system", "user": nil, "client": machine["azp"], "org": machine["org_code"], "name": nil,
			"permissions": []any{}, "scopes": []any{"jobs:run", "agents:read"}, "roles": []any{},
		}},
		"a list that is too long for the assertion": {
			g.Issuer.Token(user.With("permissions", longList()[:300])),
			map[string]any{
				"actor": "user", "user": "kp_ü x%+", "client": user["azp"], "org": user["org_code"], "name": "Zoë, Müller",
				"permissions": nil, "scopes": []any{"openid", "x y"}, "roles": []any{},
			},
		},
		"a list that is too long": {
			g.Issuer.Token(user.With("permissions", longList())),
			map[string]any{
				"actor": "user", "user": "kp_ü x%+", "client": user["azp"], "org": user["org_code"], "name": nil,
				"permissions": nil, "scopes": []any{"openid", "x y"}, "roles": []any{},
			},
		},
	} {
		status, who := whoami(t, g.URL, map[string]string{
			"Authorization":   "Bearer " + row.token,
			"x-kinde-user-id": "kp_admin", "x-kinde-assertion": "forged", "x-kinde-name": "x",
		})
		for member, value := range who {
			if value == "" { // how Go says that there is none
				who[member] = nil
			}
		}
		if diff := cmp.Diff(row.want, who); status != http.StatusOK || diff != "" {
			t.Errorf("%s: status %d (-want +got)\n%s", name, status, diff)
		}
	}
}

// longList has more than fits into 8 KiB.
func longList() (list []string) {
	for i := range 570 {
		list = append(list, fmt.Sprintf("permission:%d", i))
	}
	return list
}

// bypasses are requests to the upstream itself, which are all refused but the one that
// repeats what the service signed.
func bypasses(t *testing.T, g *guardedUpstream) {
	id := signingID(t, readFile(t, g.keyFile))
	now := time.Now().Unix()
	good := map[string]any{
		"iss": "kinde-authz", "aud": "https://agents.example.com", "iat": now, "exp": now + 60,
		"sub": "kp_1", "actor": "user", "org_code": "org_acme",
	}
	with := func(name string, value any) map[string]any {
		changed := maps.Clone(good)
		if changed[name] = value; value == nil {
			delete(changed, name)
		}
		return changed
	}
	const kind = "kinde-assertion+jwt"
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"kinde-assertion+jwt"}`))
	signed := signAssertion(t, g.private, kind, id, good)
	parts := strings.Split(signed, ".")
	other, _ := newKey(t, "Ed25519")
	forged := map[string]string{"x-kinde-actor": "user", "x-kinde-user-id": "kp_1", "x-kinde-org-code": "org_acme"}
	for name, row := range map[string]struct {
		assertion string
		header    string // as name: value, beside the forged ones
		want      int
	}{
		"what the service would sign":   {signed, "", 200},
		"no assertion":                  {"", "", 401},
		"no token":                      {"x", "", 401},
		"no signature":                  {parts[0] + "." + parts[1] + ".", "", 401},
		"alg none":                      {none + "." + parts[1] + ".", "", 401},
		"another key":                   {signAssertion(t, other, kind, id, good), "", 401},
		"an unknown key":                {signAssertion(t, other, kind, "unknown", good), "", 401},
		"another type":                  {signAssertion(t, g.private, "JWT", id, good), "", 401},
		"another audience":              {signAssertion(t, g.private, kind, id, with("aud", "https://others")), "", 401},
		"another issuer":                {signAssertion(t, g.private, kind, id, with("iss", "others")), "", 401},
		"no audience":                   {signAssertion(t, g.private, kind, id, with("aud", nil)), "", 401},
		"no issuer":                     {signAssertion(t, g.private, kind, id, with("iss", nil)), "", 401},
		"expired":                       {signAssertion(t, g.private, kind, id, with("exp", now-30)), "", 401},
		"without end":                   {signAssertion(t, g.private, kind, id, with("exp", nil)), "", 401},
		"the token of the issuer":       {g.Issuer.Token(g.Issuer.UserClaims()), "", 401},
		"another user's header":         {signed, "x-kinde-user-id: kp_admin", 401},
		"another organization's":        {signed, "x-kinde-org-code: org_globex", 401},
		"a permission of nobody's":      {signed, "x-kinde-permissions: admin", 401},
		"a list that is said to be out": {signed, "x-kinde-omitted: x-kinde-permissions", 200},
		"an escape that is none":        {signed, "x-kinde-user-id: %zz", 401},
	} {
		header := maps.Clone(forged)
		if row.assertion != "" {
			header["x-kinde-assertion"] = row.assertion
		}
		if name, value, found := strings.Cut(row.header, ": "); found {
			header[name] = value
		}
		if status, who := whoami(t, g.direct, header); status != row.want {
			t.Errorf("%s: status %d, want %d, %v", name, status, row.want, who)
		}
	}
}

// callTool calls a tool of a server of the Model Context Protocol, through Envoy and round it.
func callTool(t *testing.T, g *guardedUpstream) {
	token := g.Issuer.Token(g.Issuer.UserClaims().With("sub", "kp_ü"))
	for name, row := range map[string]struct {
		url, header, value string
		status             int
		want               string
	}{
		"through Envoy": {g.URL, "Authorization", "Bearer " + token, 200, "kp_ü"},
		"round Envoy":   {g.direct, "x-kinde-user-id", "kp_1", 401, "this did not come through Envoy"},
	} {
		const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{}}}`
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, row.url+"/mcp", strings.NewReader(call))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(row.header, row.value)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Accept", "application/json, text/event-stream")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != row.status || !strings.Contains(string(text), row.want) {
			t.Errorf("a tool %s: status %d, %s", name, response.StatusCode, text)
		}
	}
}

// rotation changes the signing key of the running service in the steps that the
// documentation names; every request passes meanwhile.
func rotation(t *testing.T, g *guardedUpstream) {
	token := g.Issuer.Token(g.Issuer.UserClaims())
	_, next := newKey(t, "Ed25519")
	old := readFile(t, g.keyFile)
	for _, step := range []struct{ text, want string }{
		{old + next, signingID(t, old)}, {next + old, signingID(t, next)}, {"broken", signingID(t, next)},
		{next, signingID(t, next)},
	} {
		result := `{result="ok"}`
		if step.text == "broken" {
			result = `{result="error"}`
		}
		before := g.metric(t, "kinde_authz_assertion_key_reloads_total"+result)
		write(t, g.keyFile, step.text)
		eventually(t, "the file is read", func() bool {
			if status, who := whoami(t, g.URL, map[string]string{"Authorization": "Bearer " + token}); status != http.StatusOK {
				t.Fatalf("status %d, %v", status, who)
			}
			return g.metric(t, "kinde_authz_assertion_key_reloads_total"+result) != before
		})
		response, err := http.Get(g.AuthzAdmin + "/jwks")
		if err != nil {
			t.Fatal(err)
		}
		var set struct{ Keys []struct{ Kid string } }
		err = json.NewDecoder(response.Body).Decode(&set)
		response.Body.Close()
		if err != nil || len(set.Keys) == 0 || set.Keys[0].Kid != step.want {
			t.Errorf("%v, %v: want %s first", set.Keys, err, step.want)
		}
	}
}

// metric is the line of a metric.
func (g *guardedUpstream) metric(t *testing.T, name string) string {
	t.Helper()
	response, err := http.Get(g.AuthzAdmin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, name) {
			return line
		}
	}
	t.Fatalf("there is no %s", name)
	return ""
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
