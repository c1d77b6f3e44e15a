package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

// What docs/settings.md shows of a settings file is valid, but for the part of Envoy's
// configuration, which TestPoliciesThroughEnvoy runs.
func TestSettingsPage(t *testing.T) {
	shown := append(blocksOf(t, "docs/settings.md", "yaml"), blocksOf(t, "README.md", "yaml")...)
	printed := ""
	for i, text := range shown {
		if i == 2 {
			continue
		}
		path := filepath.Join(t.TempDir(), "kinde-authz.yaml")
		write(t, path, text)
		code, out, faults := output(t, exec.Command(programs.Authz, "validate", path))
		if code != 0 {
			t.Errorf("%s%s", out, faults)
		}
		printed = out
	}
	if want := blocksOf(t, "docs/settings.md", "")[0]; printed != want {
		t.Errorf("the README's settings: %q, docs/settings.md has %q", printed, want)
	}
	s := own(t, func(c *stack.Config) { c.AuthzEnv = []string{"KINDE_AUTHZ_PPROF=true"} })
	t.Setenv("PPROF_TMPDIR", t.TempDir())
	out := shell(t, "..", blocksOf(t, "docs/settings.md", "sh")[0],
		"http://localhost:9192", s.AuthzAdmin, "seconds=30", "seconds=1")
	if !strings.Contains(out, "Type: cpu") {
		t.Errorf("no profile: %s", out)
	}
}

// The line with which a file starts names the schema that lies beside the page.
func TestSchemasForEditors(t *testing.T) {
	for document, block := range map[string]string{
		"settings": blocksOf(t, "docs/settings.md", "yaml")[0], "tests": blocksOf(t, "docs/testing-policies.md", "yaml")[3],
	} {
		name, found := strings.CutPrefix(strings.TrimSpace(block), "# yaml-language-server: $schema=")
		if !found || name != document+".schema.json" || !json.Valid([]byte(readFile(t, "../docs/"+name))) {
			t.Errorf("the schema of %s is %q", document, block)
		}
	}
}

// What the guide to testing policies has CI do, with the guide's own files in policies.
func TestGuideToTestingPoliciesInCI(t *testing.T) {
	const page = "docs/testing-policies.md"
	files, dir := blocksOf(t, page, "yaml"), t.TempDir()
	shell(t, dir, "mkdir policies")
	write(t, filepath.Join(dir, "policies/kinde-authz.yaml"), files[0])
	write(t, filepath.Join(dir, "policies/kinde-authz.tests.yaml"), files[1])
	var gitlab map[string]struct{ Image, Script string }
	var github []struct{ Run string }
	if err := yaml.Unmarshal([]byte(files[4]), &gitlab); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(files[5]), &github); err != nil {
		t.Fatal(err)
	}
	module := readFile(t, "../go.mod")
	version, found := strings.CutPrefix(gitlab["policies"].Image, "golang:")
	if !found || !strings.Contains(module, "\ngo "+version+".") {
		t.Errorf("%q builds no module of %s", gitlab["policies"].Image, module)
	}
	module, _, _ = strings.Cut(strings.TrimPrefix(module, "module "), "\n")
	built := []string{"go run " + module + "/cmd/kinde-authz@latest", "kinde-authz"}
	// In place of the image.
	const docker = `docker() {
  [ "${*:1:4}" = "run --rm -v $PWD/policies:/policies:ro" ]; shift 5; kinde-authz "${@/#\/policies/policies}"
}
`
	for _, script := range []string{
		shell(t, dir, gitlab["policies"].Script+"; cat policies.xml; rm policies.xml", built...),
		shell(t, dir, docker+blocksOf(t, page, "sh")[0]+"cat policies.xml"),
	} {
		if !strings.Contains(script, `<testsuites`) || !strings.Contains(script, "a viewer cannot run agents") {
			t.Errorf("no report: %s", script)
		}
	}
	if out := shell(t, dir, github[0].Run, built...); !strings.Contains(out, "\n4 passed, 0 failed\n") {
		t.Errorf("in a workflow: %s", out)
	}
}
