package doctor

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// metricsPage is what /metrics answers after so many requests with an unknown policy.
const metricsPage = `# HELP kinde_authz_decisions_total Decisions, by outcome, reason and actor.
# TYPE kinde_authz_decisions_total counter
kinde_authz_decisions_total{actor="user",decision="deny",reason="missing_role"} 5
kinde_authz_decisions_total{actor="none",decision="deny",reason="unknown_policy"} %d
`

func TestUnknownPoliciesAreCounted(t *testing.T) {
	for denied, want := range map[int]Finding{
		0: {Outcome: Fine, Text: "Envoy has named no unknown policy"},
		3: {
			Outcome: Warning,
			Text:    "3 requests were denied because Envoy named a policy that is not defined (unknown_policy)",
			Do:      "compare the names in context_extensions with the policies: doctor does it with --envoy-config FILE",
		},
	} {
		admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/metrics" {
				fmt.Fprintf(w, metricsPage, denied)
			}
		}))
		defer admin.Close()
		address := strings.TrimPrefix(admin.URL, "http://")
		want.Check = "service metrics " + address
		r := &Report{}
		checkUnknownPolicies(t.Context(), r, &settings.Settings{AdminListen: address})
		if len(r.findings) != 1 || r.findings[0] != want {
			t.Errorf("got %+v\nwant %+v", r.findings, want)
		}
	}
	r := &Report{}
	if checkUnknownPolicies(t.Context(), r, &settings.Settings{AdminListen: "127.0.0.1:1"}); len(r.findings) != 0 {
		t.Errorf("an admin port that cannot be reached: %+v", r.findings)
	}
}
