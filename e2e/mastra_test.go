package e2e

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"
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
