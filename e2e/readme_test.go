package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shellBlocks are the blocks of commands in the README, in their order.
func shellBlocks(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, match := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		blocks = append(blocks, match[1])
	}
	return blocks
}

// Each command of the README is run, or, where it would run this suite again,
// looked up in the Makefile.
func TestReadmeCommands(t *testing.T) {
	ran := 0
	for _, block := range shellBlocks(t) {
		switch {
		case strings.Contains(block, "curl"):
			runCurls(t, block)
		case strings.Contains(block, "validate"), strings.Contains(block, "explain"):
			runTools(t, block)
		case strings.Contains(block, "bin/kinde-authz"):
			runService(t, block)
		case strings.HasPrefix(block, "make "):
			for line := range strings.Lines(block) {
				dry := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(line, "make ", "make -n ", 1))
				dry.Dir = ".."
				if out, err := dry.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", line, err, out)
				}
			}
		default:
			t.Errorf("nobody runs this block:\n%s", block)
		}
		ran++
	}
	if ran != 6 {
		t.Errorf("%d blocks, want 6", ran)
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

// runTools runs the lines against the shared stack, at its own addresses.
func runTools(t *testing.T, block string) {
	t.Helper()
	script := strings.NewReplacer(
		"http://localhost:9100", shared.Issuer.URL, "http://localhost:9901", shared.EnvoyAdmin+" --address "+shared.AuthzGRPC,
		"bin/kinde-dev token", filepath.Join(filepath.Dir(programs.Authz), "kinde-dev")+" token --issuer "+shared.Issuer.URL,
		"bin/kinde-authz", programs.Authz,
	).Replace(block)
	command := exec.CommandContext(t.Context(), "sh", "-ec", script)
	command.Dir = ".."
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// runService starts the service as told, on other ports.
func runService(t *testing.T, block string) {
	t.Helper()
	alone(t, "sh", "-ec", strings.Replace(block, "bin/kinde-authz", "exec "+programs.Authz, 1))
}
