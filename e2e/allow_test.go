package e2e

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// What the agent must see, and no other identity header.
var (
	identityOf      = e2etest.Identity
	userIdentity    = e2etest.UserIdentity
	machineIdentity = e2etest.MachineIdentity
)

func TestAgentSeesExactlyThePromisedIdentity(t *testing.T) {
	user, machine := shared.Issuer.UserClaims(), shared.Issuer.MachineClaims()
	unusual := user.With("sub", "kp_ü 1").
		With("permissions", []string{"a,admin", "50%"}).With("roles", []string{"editor"})
	encoded := map[string]string{
		"x-kinde-actor": "user", "x-kinde-user-id": "kp_%C3%BC%201", "x-kinde-client-id": kindetest.ClientID,
		"x-kinde-org-code": kindetest.Org, "x-kinde-scopes": "openid profile email offline",
		"x-kinde-permissions": "a%2Cadmin,50%25", "x-kinde-roles": "editor",
	}
	for name, test := range map[string]struct {
		claims kindetest.Claims
		want   map[string]string
	}{
		"user":                         {user, userIdentity},
		"machine":                      {machine, machineIdentity},
		"user with unusual characters": {unusual, encoded},
	} {
		for protocol, client := range protocols {
			t.Run(name+" over "+protocol, func(t *testing.T) {
				got := send(t, client, shared.URL+"/api/agents/weather?city=Oslo", shared.Issuer.Token(test.claims))
				if got.status != 200 || got.Path != "/api/agents/weather" || !got.Authorization {
					t.Errorf("status %d, path %s, authorization %t (%s)", got.status, got.Path, got.Authorization, got.Reason)
				}
				if diff := cmp.Diff(identityOf(test.claims, test.want), got.Identity); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		}
	}
}

// Attack V1: identity headers of the client do not reach the agent.
func TestForgedIdentityNeverArrives(t *testing.T) {
	forged := map[string][]string{
		"once":           {"x-kinde-user-id: kp_admin"},
		"twice":          {"x-kinde-user-id: kp_admin", "x-kinde-user-id: kp_root"},
		"mixed case":     {"X-KINDE-User-Id: kp_admin", "X-Kinde-Org-Code: org_other"},
		"unknown name":   {"x-kinde-superuser: yes", "x-kinde-: 1", "x-kinde-a.b: 1"},
		"no value of it": {"x-kinde-omitted: x-kinde-roles"},
	}
	claims := shared.Issuer.MachineClaims()
	token := shared.Issuer.Token(claims)
	for name, headers := range forged {
		for protocol, client := range protocols {
			t.Run(name+" over "+protocol, func(t *testing.T) {
				if protocol == "HTTP/2" {
					headers = lowered(headers)
				}
				got := send(t, client, shared.URL, token, headers...)
				if diff := cmp.Diff(identityOf(claims, machineIdentity), got.Identity); got.status != 200 || diff != "" {
					t.Errorf("status %d (-want +got)\n%s", got.status, diff)
				}
			})
		}
	}
	t.Run("underscores are refused by Envoy", func(t *testing.T) {
		got := send(t, protocols["HTTP/1.1"], shared.URL, token, "x_kinde_user_id: kp_admin")
		if got.status != 400 {
			t.Errorf("status %d, want 400", got.status)
		}
	})
}

// Attack V1: the service removes what Envoy's listener did not strip.
func TestForgedIdentityNeverArrivesWithoutTheListener(t *testing.T) {
	s := own(t, func(c *stack.Config) { c.EnvoyConfig = withoutStripping(t) })
	claims := s.Issuer.MachineClaims()
	got := send(t, protocols["HTTP/1.1"], s.URL, s.Issuer.Token(claims),
		"x-kinde-user-id: kp_admin", "x-kinde-user-id: kp_root", "X-Kinde-Superuser: yes", "x_kinde_user_id: kp_admin",
		"x-kinde-client_id: other", "x-kinde-client-id: other")
	if diff := cmp.Diff(identityOf(claims, machineIdentity), got.Identity); got.status != 200 || diff != "" {
		t.Errorf("status %d %s (-want +got)\n%s", got.status, got.Reason, diff)
	}
}

// Attack O8: a list that is too long for a header.
func TestListThatIsTooLongIsLeftOutWhole(t *testing.T) {
	permissions := make([]string, 400)
	for i := range permissions {
		permissions[i] = fmt.Sprintf("permission:%010d", i)
	}
	claims := shared.Issuer.UserClaims().With("permissions", permissions)
	want := identityOf(claims, userIdentity)
	delete(want, "x-kinde-permissions")
	want["x-kinde-omitted"] = []string{"x-kinde-permissions"}
	got := send(t, protocols["HTTP/1.1"], shared.URL, shared.Issuer.Token(claims))
	if diff := cmp.Diff(want, got.Identity); got.status != 200 || diff != "" {
		t.Errorf("status %d %s (-want +got)\n%s", got.status, got.Reason, diff)
	}
}
