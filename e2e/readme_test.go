package e2e

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// Each command of the README and of CONTRIBUTING.md is run, or, where it would run this
// suite again, looked up.
func TestReadmeCommands(t *testing.T) {
	sample := sync.OnceValue(func() *stack.Stack {
		return own(t, func(c *stack.Config) {
			c.Settings, c.Discoverable = stack.SampleIssuers+stack.SampleSettings, true
		})
	})
	for _, document := range []string{"README.md", "CONTRIBUTING.md"} {
		for _, block := range blocksOf(t, document, "sh") {
			switch {
			case strings.Contains(block, "curl"):
				runCurls(t, block)
			case strings.Contains(block, "validate"), strings.Contains(block, "explain"):
				runTools(t, block, sample)
			case strings.Contains(block, "bin/kinde-authz"):
				runService(t, block)
			default:
				for line := range strings.Lines(block) {
					lookUp(t, line)
				}
			}
		}
	}
}

// lookUp has make, or go test, say what a command would do, and looks for the tests that it
// names.
func lookUp(t *testing.T, line string) {
	t.Helper()
	if !strings.HasPrefix(line, "make ") && !strings.Contains(line, "go test ") {
		t.Errorf("nobody runs %s", line)
	}
	shell(t, "..", strings.NewReplacer("make ", "make -n ", "go test ", "go test -n ").Replace(line))
	folder := regexp.MustCompile(`\./([a-z0-9/]+)`).FindStringSubmatch(line)
	for _, named := range regexp.MustCompile(`-(?:run|fuzz) '?(\w+)`).FindAllStringSubmatch(line, -1) {
		if !hasTest(t, folder[1], named[1]) {
			t.Errorf("%s: there is no test %s", line, named[1])
		}
	}
}

// hasTest reports whether a folder, or one below, has a test with that in its name.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	function := regexp.MustCompile(`\nfunc \w*` + name + `\w*\(\w \*testing\.[TF]\)`)
	for path, text := range files(t, "_test.go") {
		if strings.HasPrefix(path, strings.Trim(folder, "/")+"/") && function.MatchString(text) {
			return true
		}
	}
	return false
}

// What a client is told is what the README shows, but for the ID.
func TestReadmeShowsADenial(t *testing.T) {
	token := mint(t, shared, kindetest.TokenRequest{Broken: "empty-audience"})
	told := shell(t, "..", "curl -s -H 'Authorization: Bearer "+token+"' "+shared.URL)
	told = regexp.MustCompile(`"decision_id":"\w+"`).ReplaceAllString(told, `"decision_id":"…"`)
	if want := blocksOf(t, "README.md", "json")[0]; strings.TrimSpace(told) != strings.TrimSpace(want) {
		t.Errorf("got %s, the README has %s", told, want)
	}
}

// runCurls plays the lines against the shared stack, at its own addresses.
func runCurls(t *testing.T, block string) {
	t.Helper()
	script := strings.NewReplacer(
		"http://localhost:8080", shared.URL,
		"bin/kinde-dev token", filepath.Join(filepath.Dir(programs.Authz), "kinde-dev")+" token --issuer "+shared.Issuer.URL,
		"curl -i", "curl -s -o /dev/null -w '%{http_code}\\n'",
	).Replace(block)
	out, err := exec.CommandContext(t.Context(), "sh", "-ec", script).CombinedOutput()
	if got := string(out); err != nil || got != "200\n401\n200\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

// runTools runs the lines against a stack with the settings of make up, at its own
// addresses: they find nothing wrong, and are about what the service runs with.
func runTools(t *testing.T, block string, sample func() *stack.Stack) {
	t.Helper()
	s := sample()
	script := strings.NewReplacer(
		".tools/up/8080/kinde-authz.yaml", s.Settings, "localhost:9191", s.AuthzGRPC, "http://localhost:9901", s.EnvoyAdmin,
		"bin/kinde-dev token", kindeDev()+" token --issuer "+s.Issuer.URL, "bin/kinde-authz", programs.Authz,
	).Replace(block)
	command := exec.CommandContext(t.Context(), "sh", "-ec", script)
	command.Dir = ".."
	out, err := command.CombinedOutput()
	if err != nil || strings.Contains(string(out), "warning") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(block, "doctor") && !strings.Contains(string(out), ": its settings are these\n") {
		t.Errorf("doctor does not look at the service:\n%s", out)
	}
	if !strings.Contains(block, "explain") {
		return
	}
	script = strings.Replace(script, " token ", " token --broken wrong-audience ", 1)
	command = exec.CommandContext(t.Context(), "sh", "-c", script)
	command.Dir = ".."
	if out, _ := command.Output(); !strings.Contains(string(out), "wrong_audience") {
		t.Errorf("a token for another API:\n%s", out)
	}
}

// runService starts the service as told, on other ports.
func runService(t *testing.T, block string) {
	t.Helper()
	alone(t, "sh", "-ec", strings.Replace(block, "bin/kinde-authz", "exec "+programs.Authz, 1))
}
