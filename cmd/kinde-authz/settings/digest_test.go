package settings

import (
	"strings"
	"testing"
)

const digestSettings = `
issuers:
  - {domain: https://a.kinde.com, audience: [one, two], allowed_orgs: [org_a, org_b], actors: [user, system]}
  - {domain: https://b.kinde.com, audience: [one], jwks_file: b.json}
policies:
  default: {}
  run: {permissions: [agents:run, agents:read], feature_flags: {model: large}}
  internal: {actors: [system]}
routes:
  - {path: /a/**, policy: run, methods: [GET, POST]}
  - {path: /mcp, mcp: {tools: [{name: t1, policy: run}, {name: t2}], origins: ['https://o1', 'https://o2']}}
  - {path: /**, policy: internal}
leeway: 30s
headers: {claims: {x-kinde-email: email}}
assertion: {key_file: /k, audience: https://agents}
resources:
  - {identifier: https://c.com, scopes: [s1, s2]}
  - {identifier: https://c.com/x, audience: [aud1]}
`

func digestOf(t *testing.T, content string) string {
	t.Helper()
	settings, err := (&Flags{Decision: Decision{Config: "authz.yaml"}}).Parse([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return settings.Digest()
}

// Nothing but what decides counts, and no order but that of the routes.
func TestDigestTellsDecidingSettingsApart(t *testing.T) {
	digest := digestOf(t, digestSettings)
	if len(digest) != 16 {
		t.Errorf("got %q, want 16 hexadecimal digits", digest)
	}
	for _, row := range []struct {
		own, instead string
		same         bool
	}{
		{"[one, two]", "[two, one]", true},
		{"[org_a, org_b]", "[org_b, org_a]", true},
		{"  default: {}\n", "", false},
		{"routes:", "  other: {}\nroutes:", false},
		{"  default: {}\n  run: {permissions: [agents:run, agents:read], feature_flags: {model: large}}\n",
			"  run: {feature_flags: {model: large}, permissions: [agents:read, agents:run]}\n  default: {}\n", true},
		{"[GET, POST]", "[POST, GET]", true},
		{"leeway: 30s\n", "", true},
		{"leeway: 30s", "leeway: 31s", false},
		{
			"leeway",
			"listen: 127.0.0.1:1\nlog: {level: error, sample_allows: 0.5}\ntoken_cache: {entries: 5}\ndrain_delay: 1s\nleeway",
			true,
		},
		{"leeway", "insecure_http: true\nleeway", false},
		{"two", "three", false},
		{"org_b", "org_c", false},
		{", actors: [user, system]", ", actors: [user]", false},
		{"b.json", "c.json", false},
		{"https://b.kinde.com", "https://c.kinde.com", false},
		{"agents:read", "agents:write", false},
		{"model: large", "model: small", false},
		{"internal: {", "internal: {shadow: true, ", false},
		{"internal: {", "internal: {shadow: false, ", true},
		{"model: large", "model: 1", false},
		{"model: large", "modal: large", false},
		{"policy: run,", "policy: default,", false},
		{"policy: run,", "public: true,", false},
		{"  - {path: /a/**, policy: run, methods: [GET, POST]}\n  - {path: /mcp", "  - {path: /mcp", false},
		{"[{name: t1, policy: run}, {name: t2}]", "[{name: t2}, {name: t1, policy: run}]", false},
		{"{name: t1, policy: run}", "{name: t1}", false},
		{", {name: t2}", "", false},
		{"['https://o1', 'https://o2']", "['https://o2', 'https://o1']", true},
		{", 'https://o2'", "", false},
		{"origins: [", "envoy_metadata: true, origins: [", false},
		{"mcp: {tools: [{name: t1, policy: run}, {name: t2}], origins: ['https://o1', 'https://o2']}", "mcp: {}", false},
		{"x-kinde-email: email", "x-kinde-email: sub", false},
		{"[s1, s2]", "[s2, s1]", true},
		{"[aud1]", "[aud2]", false},
		{", audience: [aud1]", "", false},
		{"  - {identifier: https://c.com, scopes: [s1, s2]}\n  - {identifier: https://c.com/x, audience: [aud1]}",
			"  - {identifier: https://c.com/x, audience: [aud1]}\n  - {identifier: https://c.com, scopes: [s1, s2]}", true},
		{"headers: {", "headers: {forward_authorization: false, ", false},
		{"https://agents", "https://others", false},
		{"https://agents}", "https://agents, lifetime: 30s}", false},
		{"https://agents}", "https://agents, lifetime: 1m, issuer: kinde-authz}", true},
		{"assertion: {key_file: /k, audience: https://agents}\n", "", false},
		{"key_file: /k", "key_file: /l", true},
		{"headers: {", "headers: {forward_authorization: true, ", true},
	} {
		if strings.Count(digestSettings, row.own) != 1 {
			t.Fatalf("%q is in it %d times", row.own, strings.Count(digestSettings, row.own))
		}
		got := digestOf(t, strings.Replace(digestSettings, row.own, row.instead, 1))
		if (got == digest) != row.same {
			t.Errorf("%q instead of %q: the same: %t", row.instead, row.own, got == digest)
		}
	}
	lines := strings.SplitAfter(digestSettings, "\n")
	lines[2], lines[3] = lines[3], lines[2]
	if digestOf(t, strings.Join(lines, "")) != digest {
		t.Error("the order of the issuers counts")
	}
	for range 20 { // maps are ordered anew each time
		if digestOf(t, digestSettings) != digest {
			t.Fatal("the same settings have two digests")
		}
	}
}

// A service that tells no digest is none that settings can be compared with.
func TestUnlike(t *testing.T) {
	s, err := (&Flags{Decision: Decision{Config: "authz.yaml"}}).Parse([]byte(digestSettings))
	if err != nil {
		t.Fatal(err)
	}
	for digest, want := range map[string]string{
		s.Digest(): "",
		"":         "it does not say which settings it has: it is another version, or no kinde-authz",
		"0123456789abcdef": "it has other settings (0123456789abcdef) than these (" + s.Digest() +
			"): it can decide differently",
	} {
		if got := s.Unlike(digest); got != want {
			t.Errorf("%q: got %q", digest, got)
		}
	}
}
