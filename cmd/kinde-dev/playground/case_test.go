package playground

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// caseOf is the case of a request that got a reason.
func caseOf(t *testing.T, token *kindetest.TokenRequest, out *result) (text, why string) {
	t.Helper()
	issuer := kindetest.New("http://issuer.example")
	p := &Playground{stack: &stack.Stack{Issuer: issuer, Settings: "logs/kinde-authz.yaml"}}
	minted, err := p.mint(token)
	if err != nil {
		t.Fatal(err)
	}
	in := &request{Token: token, Method: "GET", Path: "/a"}
	in.Headers = []header{{Name: "X-Kinde-Org-Code", Value: "forged"}, {Name: "x-kinde-b", Value: "c"}}
	return p.testCase(in, out, minted)
}

func TestCase(t *testing.T) {
	got, why := caseOf(t, &kindetest.TokenRequest{Actor: "system", Org: "none", Scopes: []string{}}, &result{
		Reason: "allowed", Upstream: []header{{Name: "x-kinde-org-code", Value: "org_acme"}},
	})
	const want = `# Beside logs/kinde-authz.yaml, for kinde-authz test.
settings: kinde-authz.yaml
tests:
  - name: "GET /a gets allowed"
    request: {"headers":{"x-kinde-b":"c","x-kinde-org-code":"forged"},"method":"GET","path":"/a"}
    token: {"aud":["https://api.example.com"],"azp":"d4d3c5b74e064badb9625a4aa6241bcc",` +
		`"gty":["client_credentials"],"org_code":null,"scope":"","scp":[],"v":"2"}
    want: {"absent":["x-kinde-b"],"headers":{"x-kinde-org-code":"org_acme"},"reason":"allowed"}
`
	if got != want || why != "" {
		t.Errorf("got\n%s%s\nwant\n%s", got, why, want)
	}
}

// A case has claims, and all that is wrong with some tokens is elsewhere.
func TestCaseOfBrokenTokens(t *testing.T) {
	claims := "wrong-issuer webhook no-expiry expired not-yet-valid empty-audience wrong-audience " +
		"id-token no-actor no-org other-org "
	for _, kind := range kindetest.BrokenKinds {
		text, why := caseOf(t, &kindetest.TokenRequest{Broken: kind.Name}, &result{Reason: kind.Reason})
		if has := text != ""; has != strings.Contains(claims, kind.Name+" ") || has != (why == "") {
			t.Errorf("%s: %q, %q", kind.Name, text, why)
		}
		if at := strings.Contains(text, "    at: "); at != (kind.Name == "expired" || kind.Name == "not-yet-valid") {
			t.Errorf("%s: %s", kind.Name, text)
		}
	}
}

// What Envoy answered by itself has no reason, and so no case.
func TestNoCaseWithoutDecision(t *testing.T) {
	if text, why := caseOf(t, nil, &result{Status: 503}); text != "" || !strings.Contains(why, "Envoy") {
		t.Errorf("%q, %q", text, why)
	}
}

func TestAskedIsThePathOfTheDecision(t *testing.T) {
	for name, test := range map[string]struct{ sent, decided, want string }{
		"as it was sent": {"/a?b", `{"path":"/a"}`, "/a?b"},
		"made canonical": {"/x/../a?b", `{"path":"/a"}`, "/a?b"},
		"without query":  {"//a", `{"path":"/a"}`, "/a"},
		"not asked":      {"/%2f", ``, "/%2f"},
	} {
		out := &result{Decision: json.RawMessage(test.decided)}
		if got := out.asked(test.sent); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
