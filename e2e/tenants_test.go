package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

// startMultiTenant starts deploy/envoy/multi-tenant.yaml with its settings and three
// agents, each of which names itself in its answers.
func startMultiTenant(t *testing.T) (s *stack.Stack, client *http.Client, url string) {
	t.Helper()
	served, cert := newServedTLS(t), e2etest.NewCertificate(t)
	served.install(t, cert)
	settings := editedFile(t, "deploy/envoy/multi-tenant-settings.yaml", edit{`issuers:
  - domain: https://yourapp.kinde.com
    audience: [https://api.yourapp.com]
    allowed_orgs: [org_abc123, org_def456]
`, ""}) // the stack's environment names the issuer
	second := newReplica(t) // which never answers
	_, secondPort, _ := net.SplitHostPort(second.listener.Addr().String())
	s = deployed(t, "multi-tenant.yaml", func(c *stack.Config) {
		c.AuthzEnv, c.Upstream = []string{"KINDE_AUTHZ_CONFIG=" + settings}, "127.0.0.1:"+startAgent(t, "research")
	}, append(served.edits(t),
		edit{"port_value: 9193", "port_value: " + secondPort},
		edit{"{address: 127.0.0.1, port_value: 8001}", "{address: agent, port_value: 8000}"},
		edit{"port_value: 8002", "port_value: " + startAgent(t, "support")},
		edit{"port_value: 8003", "port_value: " + startAgent(t, "billing")},
		edit{"max_tokens: 20, tokens_per_fill: 10, fill_interval: 60s",
			"max_tokens: 3, tokens_per_fill: 3, fill_interval: 3600s"})...)
	return s, trusting(cert), strings.Replace(s.URL, "http:", "https:", 1)
}

// startAgent starts an agent that names itself in its answers.
func startAgent(t *testing.T, name string) (port string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Agent", name)
		agent.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	_, port, _ = net.SplitHostPort(server.Listener.Addr().String())
	return port
}

// Each organization reaches its own part of each agent, with a bucket for each.
func TestMultiTenantEnvoy(t *testing.T) {
	s, client, url := startMultiTenant(t)
	user := s.Issuer.UserClaims().With("permissions", []string{"research:run"}).With("org_code", acmeOrg)
	machine := s.Issuer.MachineClaims().With("scope", "billing:write").With("org_code", acmeOrg)
	token := s.Issuer.Token
	acmeUser, globexUser := token(user), token(user.With("org_code", globexOrg))
	const missing = "missing_permission"
	for name, test := range map[string]struct {
		path, token string
		status      int
		says        string // the agent that answers, or the reason
	}{
		"research":                 {"/research/orgs/org_acme/runs", acmeUser, 200, "research"},
		"support":                  {"/support/orgs/org_acme", acmeUser, 200, "support"},
		"billing":                  {"/billing/orgs/org_acme/invoices", token(machine), 200, "billing"},
		"another's part":           {"/research/orgs/org_globex/runs", acmeUser, 403, "org_mismatch"},
		"without an organization":  {"/support/orgs/org_acme", token(user.Without("org_code")), 403, "org_missing"},
		"without permission":       {"/research/orgs/org_acme", token(user.Without("permissions")), 403, missing},
		"a user for billing":       {"/billing/orgs/org_acme", acmeUser, 403, "actor_not_allowed"},
		"a machine without scope":  {"/billing/orgs/org_acme", token(machine.With("scope", "")), 403, "insufficient_scope"},
		"no agent":                 {"/admin/orgs/org_acme", acmeUser, 404, ""},
		"an agent without its org": {"/research", acmeUser, 403, "no_route"},
		"another case":             {"/Research/orgs/org_acme", acmeUser, 404, ""},
		"another part by dots":     {"/research/orgs/org_acme/../org_globex", acmeUser, 403, "org_mismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			got := send(t, client, url+test.path, test.token, "x-kinde-org-code: org_other")
			says := got.Reason
			if got.status == 200 {
				says = got.header.Get("Agent")
				if org := got.Identity["x-kinde-org-code"]; !slices.Equal(org, []string{acmeOrg}) {
					t.Errorf("the agent saw the organization %v", org)
				}
			}
			if got.status != test.status || says != test.says {
				t.Errorf("status %d %s, want %d %s", got.status, says, test.status, test.says)
			}
		})
	}
	statusOf := func(path, token string) int { return send(t, client, url+path, token).status }
	eventually(t, "the organization has used up its runs", func() bool {
		return statusOf("/research/orgs/org_acme", acmeUser) == 429
	})
	if got := statusOf("/support/orgs/org_acme", acmeUser); got != 200 {
		t.Errorf("the other agent of the organization: status %d, want 200", got)
	}
	if got := statusOf("/research/orgs/org_globex", globexUser); got != 200 {
		t.Errorf("the same agent of another organization: status %d, want 200", got)
	}
	if err := s.Authz.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-s.Authz.Done()
	assertClosed(t, client, url+"/support/orgs/org_globex", globexUser)
}
