package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lowered spells header names as HTTP/2 does.
func lowered(headers []string) []string {
	out := make([]string, len(headers))
	for i, header := range headers {
		out[i] = strings.ToLower(header)
	}
	return out
}

// withoutStripping returns the path of an envoy.yaml in which the service alone
// keeps forged headers from the agent.
func withoutStripping(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("../envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := string(content)
	for _, change := range []struct{ own, instead string }{
		{"headers_with_underscores_action: REJECT_REQUEST", "headers_with_underscores_action: ALLOW"},
		{"key_matcher: {prefix: x-kinde-}", "key_matcher: {exact: x-nothing}"},
		{"key_matcher: {prefix: x_kinde_}", "key_matcher: {exact: x-nothing}"},
	} {
		if strings.Count(config, change.own) != 1 {
			t.Fatalf("envoy.yaml: want %q exactly once", change.own)
		}
		config = strings.Replace(config, change.own, change.instead, 1)
	}
	path := filepath.Join(t.TempDir(), "envoy.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
