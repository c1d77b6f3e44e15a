package e2e

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// thread is what a Mastra server says of a thread, or of several.
type thread struct {
	ID       string   `json:"id"`
	Resource string   `json:"resourceId"`
	Threads  []thread `json:"threads"`
	Error    string   `json:"error"`
}

// mastra asks a Mastra server.
func mastra(t *testing.T, method, url, body string, header ...string) (status int, answer thread) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// Attack V14: users of two organizations, and a machine, ask a Mastra server for each
// other's threads, and write to them.
func TestMastraKeepsThreadsApart(t *testing.T) {
	g := guard(t, func(t *testing.T, tools, dir string) *exec.Cmd { return nodeServer(t, tools, dir, "mastra") })
	const threads, ofWeather = "/api/memory/threads", "?agentId=weather"
	callers := []struct{ token, resource string }{
		{g.Issuer.Token(g.Issuer.UserClaims().With("sub", "kp_1")), "org_acme/kp_1"},
		{g.Issuer.Token(g.Issuer.UserClaims().With("sub", "kp_1").With("org_code", "org_globex")), "org_globex/kp_1"},
		{g.Issuer.Token(g.Issuer.UserClaims().With("sub", "kp_2")), "org_acme/kp_2"},
		{g.Issuer.Token(g.Issuer.MachineClaims()), "org_acme/client:" + g.Issuer.MachineClaims()["azp"].(string)},
	}
	id := func(i int) string { return "thread-" + string(rune('a'+i)) }
	for i, caller := range callers {
		forged := callers[(i+1)%len(callers)].resource // is not listened to
		status, made := mastra(t, http.MethodPost, g.URL+threads+ofWeather,
			`{"threadId":"`+id(i)+`","resourceId":"`+forged+`","title":"x"}`, "Authorization: Bearer "+caller.token)
		if status != http.StatusOK || made.Resource != caller.resource {
			t.Fatalf("%s: status %d, %+v", caller.resource, status, made)
		}
	}
	for i, caller := range callers {
		authorization := "Authorization: Bearer " + caller.token
		for j, other := range callers {
			_, list := mastra(t, http.MethodGet, g.URL+threads+ofWeather+"&resourceId="+other.resource, "", authorization)
			if len(list.Threads) != 1 || list.Threads[0].ID != id(i) {
				t.Errorf("%s sees %+v", caller.resource, list.Threads)
			}
			want := http.StatusForbidden
			if i == j {
				want = http.StatusOK
			}
			status, got := mastra(t, http.MethodGet, g.URL+threads+"/"+id(j)+ofWeather, "", authorization)
			if status != want {
				t.Errorf("%s asks for %s: status %d, %+v", caller.resource, id(j), status, got)
			}
		}
	}
	for name, header := range map[string][]string{
		"forged headers":     {"x-kinde-actor: user", "x-kinde-user-id: kp_1", "x-kinde-org-code: org_acme"},
		"a token of Kinde's": {"Authorization: Bearer " + callers[0].token},
		"a forged assertion": {"x-kinde-user-id: kp_1", "x-kinde-assertion: a.b.c"},
	} {
		status, got := mastra(t, http.MethodGet, g.direct+threads+ofWeather, "", header...)
		if status != http.StatusUnauthorized {
			t.Errorf("round Envoy, with %s: status %d, %+v", name, status, got)
		}
	}
}

// The sample's own route says who is calling. Round Envoy, Mastra answers in its own words.
func TestMastraSaysWhoCalls(t *testing.T) {
	g := guard(t, func(t *testing.T, tools, dir string) *exec.Cmd { return nodeServer(t, tools, dir, "mastra") })
	user, machine := g.Issuer.UserClaims().With("sub", "kp_1"), g.Issuer.MachineClaims()
	for name, row := range map[string]struct {
		url, token string
		status     int
		want       map[string]any
	}{
		"a user": {g.URL, g.Issuer.Token(user), http.StatusOK, map[string]any{
			"actor": "user", "id": "kp_1", "user": "kp_1", "org": user["org_code"], "client": user["azp"],
		}},
		"a machine": {g.URL, g.Issuer.Token(machine), http.StatusOK, map[string]any{
			"actor": "system", "id": "client:" + machine["azp"].(string), "user": nil, "org": machine["org_code"],
			"client": machine["azp"],
		}},
		"round Envoy": {g.direct, g.Issuer.Token(user), http.StatusUnauthorized,
			map[string]any{"error": "Invalid or expired token"}},
	} {
		status, who := jsonFrom(t, row.url+"/whoami", map[string]string{"Authorization": "Bearer " + row.token})
		for _, list := range []string{"scopes", "permissions", "roles", "name"} {
			delete(who, list) // which TestUpstreamsRefuseWhoeverComesRoundEnvoy compares
		}
		if diff := cmp.Diff(row.want, who); status != row.status || diff != "" {
			t.Errorf("%s: status %d, want %d (-want +got)\n%s", name, status, row.status, diff)
		}
	}
}

// A thread that was made under a user's ID, as with the provider of Kinde's, is found in the
// ways that the guide to migration names, and not by default.
func TestMastraFindsOldThreads(t *testing.T) {
	blocks := blocksOf(t, "docs/migrating-from-mastra-auth-kinde.md", "js")
	renamed, own := blocks[1], strings.TrimSuffix(blocks[2], "\n")
	const provider, old = "const auth = new KindeAuthProvider(verify);", `
await (await storage.getStore("memory")).saveThread({
  thread: {id: "old", resourceId: "kp_0123", title: "x", createdAt: new Date(), updatedAt: new Date()},
});
`
	for name, row := range map[string]struct {
		with                string // instead of the line provider
		acme, globex, other int    // what this user gets in two organizations, and another user
	}{
		"by default":      {provider + old, 403, 403, 403},
		"without mapping": {strings.Replace(provider, "y)", "y, {mapUserToResourceId: null})", 1) + old, 403, 403, 403},
		"by user":         {own + old, 200, 200, 403},
		"renamed":         {provider + old + renamed, 200, 403, 403},
	} {
		t.Run(name, func(t *testing.T) {
			g := guard(t, func(t *testing.T, tools, dir string) *exec.Cmd {
				command := nodeServer(t, tools, dir, "mastra")
				path := filepath.Join(dir, "mastra/server.js")
				server := readFile(t, path)
				if !strings.Contains(server, provider) {
					t.Fatalf("the sample has no %s", provider)
				}
				write(t, path, strings.Replace(server, provider, row.with, 1))
				return command
			})
			for _, caller := range []struct {
				sub, org string
				want     int
			}{
				{"kp_0123", "org_acme", row.acme}, {"kp_0123", "org_globex", row.globex}, {"kp_2", "org_acme", row.other},
			} {
				token := g.Issuer.Token(g.Issuer.UserClaims().With("sub", caller.sub).With("org_code", caller.org))
				// Naming the old resource is no way to it.
				status, got := mastra(t, http.MethodGet, g.URL+"/api/memory/threads/old?agentId=weather&resourceId=kp_0123", "",
					"Authorization: Bearer "+token)
				if status != caller.want {
					t.Errorf("%s of %s: status %d, want %d, %+v", caller.sub, caller.org, status, caller.want, got)
				}
			}
		})
	}
}
