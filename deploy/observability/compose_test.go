package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose reads the local stack as docker compose config does.
func compose(t *testing.T, profiles ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../../docker-compose.yml"},
		cli.WithName("local"), cli.WithProfiles(profiles), cli.WithInterpolation(true), cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// The profile adds three services, of pinned images, with files that are there, on ports
// of this machine alone.
func TestComposeProfile(t *testing.T) {
	usual, with := compose(t).ServiceNames(), compose(t, "observability")
	added := slices.DeleteFunc(with.ServiceNames(), func(name string) bool { return slices.Contains(usual, name) })
	slices.Sort(added)
	if want := []string{"collector", "grafana", "prometheus"}; !slices.Equal(added, want) {
		t.Fatalf("the profile adds %v, want %v", added, want)
	}
	for _, name := range added {
		service := with.Services[name]
		if !regexp.MustCompile(`^[\w/-]+:v?\d+\.\d+\.\d+$`).MatchString(service.Image) {
			t.Errorf("%s: the image %s is not pinned", name, service.Image)
		}
		for _, volume := range service.Volumes {
			if _, err := os.Stat(volume.Source); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is open to other machines", name, port.Published)
			}
		}
	}
	// Version 3.16.0 of Prometheus is v0.316.0 of its module.
	version := regexp.MustCompile(`v(3)\.(\d+)\.(\d+)$`).FindStringSubmatch(with.Services["prometheus"].Image)
	if version == nil || !strings.Contains(read(t, "prometheus/go.mod"),
		"github.com/prometheus/prometheus v0.3"+version[2]+"."+version[3]+" ") {
		t.Errorf("the image is %s, want the version of prometheus/go.mod", with.Services["prometheus"].Image)
	}
}

// A collector is asked for where somebody says so, and not by the usual stack.
func TestComposeTracesWhenAskedTo(t *testing.T) {
	const name = "OTEL_EXPORTER_OTLP_ENDPOINT"
	t.Setenv(name, "")
	if got := compose(t).Services["kinde-authz"].Environment[name]; got == nil || *got != "" {
		t.Errorf("%s is %v, want it to be empty", name, got)
	}
}
