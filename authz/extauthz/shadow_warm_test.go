package extauthz

import (
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// A policy in shadow costs no allocation either, whether it would deny or not.
func TestWarmDecisionsInShadowAllocateNothing(t *testing.T) {
	issuer, verifier := envoytest.Issuer(t)
	authorizer, err := authz.NewAuthorizer(authz.Config{
		Verifier: verifier, Issuers: map[string]authz.Rules{issuer.Issuer.URL: {}}, Encode: Encode, CachedTokens: 10,
		Policies: map[string]authz.Policy{
			"route": {Permissions: []string{"agents:run"}, Shadow: true}, "tool": {Roles: []string{"owner"}, Shadow: true},
		},
		Routes: []authz.Route{{Path: "/mcp/weather", Policy: "route", MCP: &authz.MCP{
			Tools: []authz.Tool{{Name: "get_*", Policy: "tool"}},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server, claims := NewServer(authorizer, toNowhere(), nil), issuer.UserClaims()
	for name, row := range map[string]struct {
		claims kindetest.Claims
		shadow string
	}{
		"the route's policy would deny": {claims.Without("permissions"), "missing_permission"},
		"the tool's policy would deny":  {claims, "missing_role"},
		"neither":                       {claims.With("roles", []string{"owner"}), ""},
	} {
		message, out := asToolCall(t, "/mcp/weather", issuer.Token(row.claims)), make([]byte, 0, answerBytes)
		answer := string(server.Answer(t.Context(), message, nil))
		if strings.Contains(answer, "shadow_reason") != (row.shadow != "") || !strings.Contains(answer, row.shadow) ||
			!strings.Contains(answer, "allowed") {
			t.Errorf("%s: %q", name, answer)
		}
		n := testing.AllocsPerRun(1000, func() { server.Answer(t.Context(), message, out) })
		if n != 0 && !raceEnabled {
			t.Errorf("%s: %g allocations", name, n)
		}
	}
}
