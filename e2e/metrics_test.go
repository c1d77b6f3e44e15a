package e2e

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// body asks the admin port.
func body(t *testing.T, s *stack.Stack, path string) string {
	t.Helper()
	response, err := http.Get(s.AuthzAdmin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Attack W2: no label of a metric is of an attacker's making.
func TestMetrics(t *testing.T) {
	s := own(t, nil)
	token := s.Issuer.Token(s.Issuer.UserClaims())
	for range 3 {
		send(t, protocols["HTTP/1.1"], s.URL, token)
	}
	send(t, protocols["HTTP/1.1"], s.URL, s.Issuer.Token(s.Issuer.MachineClaims().With("org_code", "org_stranger")))
	send(t, protocols["HTTP/1.1"], s.URL, "")
	got := body(t, s, "/metrics")
	for _, want := range []string{
		`kinde_authz_decisions_total{actor="user",decision="allow",reason="allowed"} 3`,
		`kinde_authz_decisions_total{actor="system",decision="deny",reason="org_not_allowed"} 1`,
		`kinde_authz_decisions_total{actor="none",decision="deny",reason="missing_token"} 1`,
		`kinde_authz_decision_duration_seconds_count 5`,
		"kinde_authz_token_cache_hits_total 2\n", "kinde_authz_token_cache_misses_total 2\n",
		"kinde_authz_token_cache_entries 2\n",
		`kinde_authz_config_reloads_total{result="ok"} 0`,
		`kinde_authz_jwks_refreshes_total{issuer="` + s.Issuer.URL + `",result="ok"} 1`,
		`kinde_authz_jwks_keys{issuer="` + s.Issuer.URL + `"} 1`,
		`kinde_authz_build_info{`, `go_goroutines `, `process_cpu_seconds_total `,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
	if !regexp.MustCompile(`kinde_authz_jwks_age_seconds\{issuer="[^"]+"\} [0-9]`).MatchString(got) {
		t.Error("no age of the keys")
	}
	if strings.Contains(got, "org_stranger") || strings.Contains(got, kindetest.UserID) {
		t.Error("a metric holds what a token says")
	}
	if ready := body(t, s, "/readyz"); ready != s.Issuer.URL+": ok\n" {
		t.Errorf("/readyz says %q", ready)
	}
}
