package policytest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// Attack X8: a token that a run of the tests has made is taken to a service. No other
// run knows its key either.
func TestTokensOfARunPassNowhereElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.yaml")
	for name, content := range map[string]string{
		"t.yaml": "settings: s.yaml\ntests: [{name: a, request: {path: /a}, token: {}, want: {reason: allowed}}]",
		"s.yaml": "leeway: 1s",
	} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, err := Run(t.Context(), []string{path})
	if err != nil || first.Failed() > 0 {
		t.Fatalf("%v %+v", err, first)
	}
	f, err := read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := f.settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	by, err := newSigner()
	if err != nil {
		t.Fatal(err)
	}
	second := &suite{file: f, settings: loaded}
	if _, err := second.run(t.Context(), by); err != nil {
		t.Fatal(err)
	}
	decision := second.authorizer.Decide(t.Context(), first.Results[0].Request)
	if decision.Reason != kinde.BadSignature {
		t.Errorf("a token of another run: %s", decision.Reason)
	}
	if n := len(first.Results[0].Request.Authorization); n != 1 || !first.Results[0].Decision.Allowed() {
		t.Errorf("%d tokens, %s, want one that is %s", n, first.Results[0].Decision.Reason, authz.Allowed)
	}
}
