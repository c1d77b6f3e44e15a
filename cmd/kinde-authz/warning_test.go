package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// settingsLines returns what was logged about the settings: messages, with the place or
// the setting and the issuers they name.
func settingsLines(seen *observer.ObservedLogs) (lines []string) {
	for _, entry := range seen.TakeAll() {
		fields := entry.ContextMap()
		line := entry.Message
		if summary := fields["settings"]; summary != nil {
			lines = append(lines, fmt.Sprintf("%s: %v", line, summary))
			continue
		}
		for _, name := range []string{"place", "setting", "issuers"} {
			if value := fields[name]; value != nil {
				line += fmt.Sprintf(" | %v", value)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func TestStartAndReloadTellOfTheSettings(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	file := `issuers:
  - {domain: %q, audience: [a], allowed_orgs: [org_a]}
  - {domain: https://b.kinde.com, audience: [a], jwks_file: keys.json}
  - {domain: https://c.kinde.com, allowed_orgs: [org_a], jwks_file: keys.json}
insecure_http: true
routes:
  - {path: /**, public: true}
`
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile(filepath.Join(dir, "keys.json"), []byte(issuer.JWKS()), 0o600); err != nil {
		t.Fatal(err)
	}
	s, seen := reloadable(t, fmt.Sprintf(file, issuer.Issuer.URL))
	want := []string{
		"public route /** matches every path: requests that no earlier route matches pass without a token | " +
			s.flags.Config + ":7",
		"no audience is configured: tokens for any API of this Kinde business pass | " +
			"KINDE_AUDIENCE, issuers.audience | [https://c.kinde.com]",
		"no allowlist of organizations is configured: tokens of any organization, and of none, pass | " +
			"KINDE_ALLOWED_ORGS, issuers.allowed_orgs | [https://b.kinde.com]",
		"http:// issuers are allowed: anyone on the network path can replace the keys | " +
			"KINDE_AUTHZ_INSECURE_HTTP, insecure_http",
	}
	got := settingsLines(seen)
	if len(got) > len(want) {
		got = got[:len(want)] // the keys follow
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("at start (-want +got)\n%s", diff)
	}
	s.reload(reading{content: fmt.Sprintf(file, issuer.Issuer.URL) + "  - {path: '/{org}'}\npolicies: {default: {}}\n"})
	want = append(want, "settings reloaded: 3 issuers, 1 policy, 2 routes; other paths: policy default")
	segment := "route /{org}: segment {org} matches any segment and is not compared with the token's organization: " +
		"write {org_code}, or use another name | "
	unreachable := "route /{org} is unreachable: the earlier route /** takes every request it would match | "
	want = append(want, segment+s.flags.Config+":8", unreachable+s.flags.Config+":8")
	logged := map[string]bool{}
	for _, line := range settingsLines(seen) {
		logged[line] = true
	}
	for _, line := range want {
		if !logged[line] {
			t.Errorf("not logged after a reload: %s", line)
		}
	}
}

// What is configured is not warned of.
func TestNoWarningsOfGuardedSettings(t *testing.T) {
	domain, audience, orgs := "https://a.kinde.com", "a", "org_a"
	s, err := (&settings.Flags{
		Decision: settings.Decision{Domain: &domain, Audience: &audience, AllowedOrgs: &orgs},
	}).Read()
	if err != nil {
		t.Fatal(err)
	}
	core, seen := observer.New(zap.InfoLevel)
	warn(s, zap.New(core))
	if got := settingsLines(seen); len(got) > 0 {
		t.Errorf("warned of %q", got)
	}
}
