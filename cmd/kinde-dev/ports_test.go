package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

func TestPorts(t *testing.T) {
	for name, test := range map[string]struct {
		args string
		want []int // Envoy, its admin port, issuer, agent, kinde-authz, its admin port, the playground
	}{
		"defaults": {"", []int{8080, 9901, 9100, 8000, 9191, 9192, 9193}},
		"Envoy":    {"--port 8081", []int{8081, 9901, 9100, 8000, 9191, 9192, 9193}},
		"the others": {
			"--envoy-admin-port 1 --issuer-port 2 --agent-port 3 --authz-port 4 --authz-admin-port 5 --playground-port 6",
			[]int{8080, 1, 2, 3, 4, 5, 6},
		},
		"base":               {"--port-base 18080", []int{18080, 18081, 18082, 18083, 18084, 18085, 18086}},
		"last base":          {"--port-base 65529", []int{65529, 65530, 65531, 65532, 65533, 65534, 65535}},
		"a flag beside base": {"--port-base 18080 --agent-port 8000", []int{18080, 18081, 18082, 8000, 18084, 18085, 18086}},
		"the kernel":         {"--port-base 0", []int{0, 0, 0, 0, 0, 0, 0}},
		"one of the kernel":  {"--port 0 --agent-port 0", []int{0, 9901, 9100, 0, 9191, 9192, 9193}},
		"once":               {"--once", []int{0, 0, 0, 0, 0, 0, 0}},
		"once with a port":   {"--once --issuer-port 9100", []int{0, 0, 9100, 0, 0, 0, 0}},
		"once with a base":   {"--once --port-base 18080", []int{18080, 18081, 18082, 18083, 18084, 18085, 18086}},
	} {
		t.Run(name, func(t *testing.T) {
			var up upCommand
			parser, err := kong.New(&up)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(strings.Fields(test.args)); err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, p := range up.ports(up.Once) {
				got = append(got, p.number)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPortsThatCannotBe(t *testing.T) {
	for name, test := range map[string]struct{ args, want string }{
		"too high":         {"--port 65536", "--port 65536: want 0 to 65535"},
		"negative":         {"--agent-port=-1", "--agent-port -1: want 0 to 65535"},
		"base too high":    {"--port-base 65530", "--port-base 65530: want 0 to 65529"},
		"negative base":    {"--port-base=-6", "--port-base -6: want 0 to 65529"},
		"one port for two": {"--port 9901", "--port and --envoy-admin-port are both 9901: choose two ports"},
		"one of the base":  {"--port-base 18080 --authz-admin-port 18080", "--port and --authz-admin-port are both 18080"},
		"no number":        {"--port http", "--port: expected"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(append([]string{"up"}, strings.Fields(test.args)...), &stdout, &stderr)
			if code != 2 || !strings.Contains(stderr.String(), test.want) {
				t.Errorf("exit code %d, want 2: %s", code, stderr.String())
			}
		})
	}
}

func TestHelpNamesMakeVariables(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run([]string{"up", "--help"}, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	var up upPorts
	help := strings.Join(strings.Fields(stdout.String()), " ")
	for _, p := range up.ports(false) {
		if !strings.Contains(help, "--"+p.flag+"=N") || !strings.Contains(help, p.variable()+")") {
			t.Errorf("no --%s=N or no %s in %s", p.flag, p.variable(), help)
		}
	}
}

// An upstream may listen on the port that is usually the sample agent's.
func TestAnUpstreamTakesThePortOfTheAgent(t *testing.T) {
	t.Setenv("ENVOY", "/bin/true")
	for upstream, want := range map[string]string{"": "127.0.0.1:8000", "localhost:8000": ""} {
		up := upCommand{Authz: "kinde-authz", ownFlags: ownFlags{Upstream: upstream}}
		config, err := up.config()
		if err != nil || config.Agent != want || config.Upstream != upstream {
			t.Errorf("upstream %q: the agent is at %q, want %q, %v", upstream, config.Agent, want, err)
		}
	}
}
