package e2e

import (
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

const shadowSettings = `
policies:
  default: {}
  trial: {permissions: [trial:run], roles: [owner], scopes: [jobs:run], shadow: true}
  strict: {roles: [owner]}
routes:
  - {path: /trial/**, policy: trial}
  - {path: /strict, policy: strict}
log: {sample_allows: 0}
`

// Attack Q18: what a policy in shadow would deny passes, and is logged and counted; what else is
// wrong is denied all the same, and the challenge does not name its scopes.
func TestShadowThroughEnvoy(t *testing.T) {
	_, settings := withSettings(t, shadowSettings)
	s := own(t, settings)
	user := s.Issuer.UserClaims()
	good := user.With("scp", []string{"jobs:run"}).With("permissions", []string{"trial:run"}).
		With("roles", []string{"owner"})
	client := protocols["HTTP/1.1"]
	for _, row := range []struct {
		path   string
		claims kindetest.Claims
		status int
	}{
		{"/trial/a", user.Without("scp"), 200},
		{"/trial/b", good.Without("permissions"), 200},
		{"/trial/c", good, 200},
		{"/trial/d", good.With("org_code", "org_stranger").Without("permissions"), 403},
		{"/strict", user, 403},
	} {
		if got := send(t, client, s.URL+row.path, s.Issuer.Token(row.claims)); got.status != row.status {
			t.Errorf("%s: %d", row.path, got.status)
		}
	}
	if got := send(t, client, s.URL+"/trial/e", ""); got.status != 401 ||
		strings.Contains(got.header.Get("WWW-Authenticate"), "scope=") {
		t.Errorf("%d, challenge %q", got.status, got.header.Get("WWW-Authenticate"))
	}
	metrics := body(t, s, "/metrics")
	for reason, want := range map[string]string{
		"insufficient_scope": "1", "missing_permission": "1", "missing_role": "0", "org_not_allowed": "0",
	} {
		line := `kinde_authz_shadow_denials_total{reason="` + reason + `"} ` + want + "\n"
		if !strings.Contains(metrics, line) {
			t.Errorf("no %s", line)
		}
	}
	until(t, s.Authz, "the line of the last", func() bool { return strings.Contains(s.AuthzLog.String(), "/trial/e") })
	log := s.AuthzLog.String()
	for _, want := range []string{
		`"path":"/trial/a"`, `"shadow_reason":"insufficient_scope","missing":["jobs:run"]`,
		`"path":"/trial/b"`, `"shadow_reason":"missing_permission","missing":["trial:run"]`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s", want)
		}
	}
	if strings.Contains(log, "/trial/c") {
		t.Error("an allow is logged that may be left out")
	}
}
