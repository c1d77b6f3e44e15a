package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// The token stays alone on standard output; what it holds goes beside it.
func TestTokenDecodes(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	const none = "this is no JWT: there is nothing to decode\n"
	for broken, want := range map[string][]string{
		"": {
			"header {\n  \"alg\": \"RS256\"", "claims {\n", "\n  \"org_code\": \"org_acme\"",
			"\n  \"sub\": \"" + kindetest.UserID + `"`,
		},
		"alg-none": {"\"alg\": \"none\""}, "duplicate-claim": {"\"azp\": \"admin\""}, "not-a-jwt": {none}, "json": {none},
	} {
		var stdout, stderr bytes.Buffer
		args := []string{"token", "--decode", "--issuer", issuer.Issuer.URL}
		if broken != "" {
			args = append(args, "--broken", broken)
		}
		if code := run(args, &stdout, &stderr); code != 0 {
			t.Fatalf("%s: exit code %d: %s", broken, code, stderr.String())
		}
		if strings.Count(stdout.String(), "\n") != 1 {
			t.Errorf("%s: standard output: %s", broken, stdout.String())
		}
		for _, text := range want {
			if !strings.Contains(stderr.String(), text) {
				t.Errorf("%s: no %s in %s", broken, text, stderr.String())
			}
		}
	}
}
