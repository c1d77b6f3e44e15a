package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// hardened are the settings that a file has in common with the project's envoy.yaml:
// those of the connection manager, of ext_authz and of the cluster of kinde-authz.
func hardened(t *testing.T, name string) map[string]any {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		OverloadManager any `yaml:"overload_manager"`
		StaticResources struct {
			Listeners []struct {
				Limit        any `yaml:"per_connection_buffer_limit_bytes"`
				Timeout      any `yaml:"listener_filters_timeout"`
				FilterChains []struct {
					Filters []struct {
						Config map[string]any `yaml:"typed_config"`
					} `yaml:"filters"`
				} `yaml:"filter_chains"`
			} `yaml:"listeners"`
			Clusters []map[string]any `yaml:"clusters"`
		} `yaml:"static_resources"`
	}
	if err := yaml.Unmarshal(content, &config); err != nil {
		t.Fatal(err)
	}
	listener, cluster := config.StaticResources.Listeners[0], config.StaticResources.Clusters[0]
	manager := listener.FilterChains[0].Filters[0].Config
	settings := map[string]any{
		"overload": config.OverloadManager, "limit": listener.Limit, "timeout": listener.Timeout,
		"filters": manager["http_filters"].([]any)[:2], "manager": manager, "cluster": cluster,
	}
	// Where requests go is each file's own.
	for _, name := range []string{"http_filters", "route_config"} {
		delete(manager, name)
	}
	for _, name := range []string{"cluster_type", "type", "load_assignment", "ignore_health_on_host_removal"} {
		delete(cluster, name)
	}
	return settings
}

func TestDeployedEnvoysAreHardened(t *testing.T) {
	want := hardened(t, "envoy.yaml")
	for _, name := range []string{"envoy.yaml", "multi-tenant.yaml"} {
		if diff := cmp.Diff(want, hardened(t, "deploy/envoy/"+name)); diff != "" {
			t.Errorf("%s (-envoy.yaml +deploy/envoy)\n%s", name, diff)
		}
	}
}

// What the doctor says of each file. It is content with those that are hardened.
func TestDoctorOfDeployedEnvoys(t *testing.T) {
	for name, want := range map[string][]string{
		"envoy.yaml":        nil,
		"multi-tenant.yaml": nil,
		"envoy-minimal.yaml": {
			"warning nothing limits the connections of clients: some thousand idle ones keep everybody else out",
			"warning validate_mutations is not set: an invalid header in an answer is not refused",
			"warning nothing is tried again: requests fail when a replica of kinde-authz goes away",
		},
	} {
		_, out := tool(t, "", "doctor", "--format", "json", "--insecure-http", "--domain", shared.Issuer.URL,
			"--address", shared.AuthzGRPC, "--envoy-config", "../deploy/envoy/"+name)
		var findings []struct{ Outcome, Check, Text string }
		if err := json.Unmarshal([]byte(out), &findings); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var got []string
		for _, f := range findings {
			if strings.HasPrefix(f.Check, "envoy") && f.Outcome != "ok" {
				got = append(got, f.Outcome+" "+f.Text)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}
