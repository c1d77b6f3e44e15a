package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// composition is what a Compose file says of its services.
type composition struct {
	Services map[string]struct {
		Image       string            `yaml:"image"`
		Build       map[string]string `yaml:"build"`
		Environment map[string]string `yaml:"environment"`
		Healthcheck struct {
			Test []string `yaml:"test"`
		} `yaml:"healthcheck"`
		DependsOn map[string]map[string]string `yaml:"depends_on"`
	} `yaml:"services"`
}

func readComposition(t *testing.T, path string) (c composition) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// Envoy is started once each replica says by itself that it is ready.
func TestComposeWaitsForEachReplica(t *testing.T) {
	for path, replicas := range map[string][]string{
		"../docker-compose.yml":                {"kinde-authz"},
		"../deploy/compose/docker-compose.yml": {"kinde-authz-1", "kinde-authz-2"},
	} {
		c := readComposition(t, path)
		for _, name := range replicas {
			if got := c.Services[name].Healthcheck.Test; !slices.Equal(got, []string{"CMD", "/kinde-authz", "health"}) {
				t.Errorf("%s: the health check of %s is %q", path, name, got)
			}
			if got := c.Services["envoy"].DependsOn[name]["condition"]; got != "service_healthy" {
				t.Errorf("%s: Envoy waits for %s to be %q, want service_healthy", path, name, got)
			}
		}
	}
}

// Nothing in production mints tokens or trusts an issuer without TLS.
func TestComposeForProductionMintsNothing(t *testing.T) {
	c := readComposition(t, "../deploy/compose/docker-compose.yml")
	if len(c.Services) != 4 {
		t.Errorf("%d services, want Envoy, the agent and two replicas", len(c.Services))
	}
	for name, service := range c.Services {
		if target := service.Build["target"]; target != "" && target != "kinde-authz" {
			t.Errorf("%s is built as %s", name, target)
		}
		if _, set := service.Environment["KINDE_AUTHZ_INSECURE_HTTP"]; set {
			t.Errorf("%s allows issuers without TLS", name)
		}
	}
}

// Every file of settings that the project shows is one that serve takes, without a
// warning.
func TestShownSettingsAreValid(t *testing.T) {
	for _, path := range []string{
		"../deploy/kinde-authz.yaml", "../deploy/compose/settings/kinde-authz.yaml",
		"../deploy/envoy/multi-tenant-settings.yaml",
	} {
		if code, out := tool(t, "", "validate", "--strict", path); code != 0 || !strings.Contains(out, "valid: ") {
			t.Errorf("%s: exit code %d: %s", path, code, out)
		}
	}
}

// The guide replaces every replica, by the commands that deploy/test/compose.sh runs.
func TestGuideReplacesEachReplica(t *testing.T) {
	commands := blocksOf(t, "docs/envoy.md", "")[1]
	script := strings.ReplaceAll(readFile(t, "../deploy/test/compose.sh"), " --no-build", "")
	for line := range strings.Lines(commands) {
		words, found := strings.CutPrefix(line, "docker compose ")
		if !found || !strings.Contains(script, "  production "+words) {
			t.Errorf("deploy/test/compose.sh does not run %s", line)
		}
	}
	for name := range readComposition(t, "../deploy/compose/docker-compose.yml").Services {
		if strings.HasPrefix(name, "kinde-authz") && !strings.Contains(commands, " "+name+"\n") {
			t.Errorf("docs/envoy.md does not replace %s", name)
		}
	}
}
