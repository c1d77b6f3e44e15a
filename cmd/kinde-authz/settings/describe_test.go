package settings

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zapcore"
)

// The line of a start says what is configured, and lists no organization.
func TestSettingsDescribeThemselves(t *testing.T) {
	const content = `issuers:
  - {domain: https://a.kinde.com, audience: [api], allowed_orgs: [org_a, org_b], actors: [user]}
  - {domain: https://b.kinde.com}
policies: {run: {}}
routes: [{path: /a, policy: run}]
leeway: 10s
`
	s, err := (&Flags{}).Parse([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	got := zapcore.NewMapObjectEncoder()
	if err := s.MarshalLogObject(got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"settings": "2 issuers, 1 policy, 1 route; other paths: denied",
		"issuers": []any{
			map[string]any{"domain": "https://a.kinde.com", "audience": []any{"api"},
				"allowed_orgs": 2, "actors": []any{"user"}},
			map[string]any{"domain": "https://b.kinde.com", "audience": "not checked", "allowed_orgs": "any, or none"},
		},
		"policies": []any{"run"}, "routes": 1, "resources": []any{},
		"unmatched": "other paths: denied", "token_cache_entries": 100000,
		"leeway_ms": int64(10_000), "jwks_refresh_ms": int64(900_000), "jwks_max_stale_ms": int64(86_400_000),
		"jwks_timeout_ms": int64(5_000), "drain_delay_ms": int64(10_000), "tls": "off", "log_level": "info",
		"sample_allows": 1.0,
	}
	if diff := cmp.Diff(want, got.Fields); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
