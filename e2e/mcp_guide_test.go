package e2e

import (
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

// What docs/mcp.md has its reader do against the sample server, and what it shows of the
// doctor there.
func TestGuideForMCP(t *testing.T) {
	s := guarded(t, func(c *stack.Config) {
		c.Settings, c.Discoverable = stack.SampleIssuers+c.Settings, true
	})
	out := shell(t, "..", blocksOf(t, "docs/mcp.md", "sh")[0],
		"http://localhost:8080", s.URL, "bin/kinde-dev token", "kinde-dev token --issuer "+s.Issuer.URL)
	answers := strings.Split(strings.TrimSpace(out), "\n")
	for i, want := range []struct{ text, status string }{
		{"It will be sunny in Lisbon", "200"},
		{`"reason":"missing_permission"`, "403"},
		{"The station s1 was removed", "200"},
	} {
		if len(answers) != 3 || !strings.Contains(answers[i], want.text) || !strings.HasSuffix(answers[i], want.status) {
			t.Fatalf("the calls of the guide, want %+v as the answer %d:\n%s", want, i, out)
		}
	}

	command, lines, _ := strings.Cut(blocksOf(t, "docs/mcp.md", "console")[0], "\n")
	out = shell(t, "..", command, "$ kinde-authz doctor", "kinde-authz doctor --address "+s.AuthzGRPC,
		"kinde-authz.yaml", s.Settings, "https://api.yourapp.com", s.URL)
	wantLines(t, out, strings.NewReplacer("mcp …:", "mcp "+s.URL+"/mcp/weather:", "https://api.yourapp.com", s.URL,
		"https://yourapp.kinde.com", s.Issuer.URL).Replace(lines))
}

// wantLines wants lines to be printed one after the other. One that ends in … is the
// beginning of a longer one, and … alone stands for any number.
func wantLines(t *testing.T, printed, lines string) {
	t.Helper()
	rest := strings.Split(printed, "\n")
	any := false
	for line := range strings.Lines(lines) {
		line = strings.TrimSuffix(line, "\n")
		if line == "…" {
			any = true
			continue
		}
		beginning, more := strings.CutSuffix(line, "…")
		is := func(got string) bool { return got == line || more && strings.HasPrefix(got, beginning) }
		for any && len(rest) > 0 && !is(rest[0]) {
			rest = rest[1:]
		}
		if len(rest) == 0 || !is(rest[0]) {
			t.Fatalf("no line %q in its place in\n%s", line, printed)
		}
		rest, any = rest[1:], false
	}
}
