package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

// readmeRoutes guards as the README shows it, with one more route that has a
// letter of which Unicode knows another form.
const readmeRoutes = `
policies:
  default: {}
  run-agents: {permissions: [agents:run], feature_flags: {agent-v2: true}}
  internal: {actors: [system], scopes: [jobs:run], allow_without_org: true}
routes:
  - {path: /healthz, public: true}
  - {path: /internal/**, policy: internal}
  - {path: /keys/**, policy: internal}
  - {path: "/api/agents/{agent}/generate", methods: [POST], policy: run-agents}
  - {path: "/orgs/{org_code}/**", policy: default}
`

// express starts a real Express and returns its address.
func express(t *testing.T) string {
	t.Helper()
	install := exec.CommandContext(t.Context(), "../scripts/node-modules", "express")
	install.Stderr = os.Stderr
	modules, err := install.Output()
	if err != nil {
		t.Fatalf("scripts/node-modules: %v", err)
	}
	node := exec.Command("node", "express/server.js")
	node.Env = append(os.Environ(), "NODE_PATH="+strings.TrimSpace(string(modules)))
	var log process.Log
	server, address := run(t, node, &log), ""
	until(t, server, "its address", func() (found bool) {
		address, found = strings.CutSuffix(log.String(), "\n")
		return found
	})
	return address
}

// goMux starts the same upstream with the standard library's routing.
func goMux(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(handler string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]string{"handler": handler, "org": r.PathValue("org")})
		}
	}
	mux.HandleFunc("GET /orgs/{org}/secrets", answer("orgs"))
	mux.HandleFunc("POST /api/agents/{agent}/generate", answer("generate"))
	mux.HandleFunc("/internal/", answer("internal"))
	mux.HandleFunc("GET /keys/{key}", answer("keys"))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		answer("none")(w, r)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// What a member of one organization without permissions gets, whatever the
// letters of the path look like.
var otherCase = []struct {
	request string
	status  int
	reason  string // of the service; else the handler that answered
}{
	{"GET /Orgs/org_globex/secrets", 400, "bad_path"},
	{"GET /ORGS/org_globex/secrets", 400, "bad_path"},
	{"GET /orgS/org_globex/secrets/", 400, "bad_path"},
	{"GET /org%C5%BF/org_globex/secrets", 400, "bad_path"},
	{"GET /Org%C5%BF/org_globex/secrets", 400, "bad_path"},
	{"GET /%4Frgs/org_globex/secrets", 400, "bad_path"},
	{"GET /%6Frgs/org_globex/secrets", 403, "org_mismatch"},
	{"GET /orgs/org_globex/secrets", 403, "org_mismatch"},
	{"GET /orgs/ORG_ACME/secrets", 403, "org_mismatch"},
	{"POST /API/agents/weather/generate", 400, "bad_path"},
	{"POST /api/Agents/weather/generate", 400, "bad_path"},
	{"POST /api/agent%C5%BF/weather/Generate", 400, "bad_path"},
	{"POST /api/agents/weather/generate", 403, "missing_permission"},
	{"GET /INTERNAL/jobs", 400, "bad_path"},
	{"GET /Internal/jobs", 400, "bad_path"},
	{"DELETE /iNTERNAL/jobs", 400, "bad_path"},
	{"GET /internal/jobs", 403, "actor_not_allowed"},
	{"GET /Keys/1", 400, "bad_path"},
	{"GET /%E2%84%AAeys/1", 400, "bad_path"},
	{"GET /%E2%84%AAey%C5%BF/1", 400, "bad_path"},
	{"GET /%6Beys/1", 403, "actor_not_allowed"},
	{"GET /orgs/org_acme/secrets", 200, "orgs"},
	{"GET /elsewhere", 404, "none"},
}

// Attack V8: an upstream whose routes ignore case, and one whose routes do not.
func TestCaseLeadsToNoOtherHandler(t *testing.T) {
	for name, start := range map[string]func(*testing.T) string{"Express": express, "Go's ServeMux": goMux} {
		t.Run(name, func(t *testing.T) {
			upstream := start(t)
			_, settings := withSettings(t, readmeRoutes)
			s := own(t, func(c *stack.Config) {
				settings(c)
				c.Upstream = upstream
			})
			token := s.Issuer.Token(s.Issuer.UserClaims().Without("permissions"))
			for _, row := range otherCase {
				got := sendRaw(t, s, row.request+" HTTP/1.1", "Host: a", "Connection: close", "Content-Length: 0",
					"Authorization: Bearer "+token)
				if got.status != row.status || got.Reason+got.Handler != row.reason || got.Org == "org_globex" {
					t.Errorf("%s: %d %s%s, want %d %s", row.request, got.status, got.Reason, got.Handler, row.status, row.reason)
				}
			}
		})
	}
}

// Without kinde-authz before it, Express gives other organizations' data away:
// the test above would notice.
func TestExpressIgnoresCase(t *testing.T) {
	response, err := http.Get("http://" + express(t) + "/Orgs/org_globex/secrets")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if want := `{"handler":"orgs","org":"org_globex"}`; err != nil || string(body) != want {
		t.Errorf("got %s, %v, want %s", body, err, want)
	}
}
