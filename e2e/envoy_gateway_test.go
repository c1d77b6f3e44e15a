//go:build deploy

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

// envoyGatewayConfig has Envoy Gateway read its objects from a folder and run Envoy as a
// process of this machine.
const envoyGatewayConfig = `
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyGateway
gateway: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}
provider:
  type: Custom
  custom:
    resource: {type: File, file: {paths: [%[1]q]}}
    infrastructure: {type: Host, host: {configHome: %[2]q, dataHome: %[3]q, stateHome: %[4]q, runtimeDir: %[5]q}}
extensionApis: {enableBackend: true, enableEnvoyPatchPolicy: true}
`

// envoyGatewayBackends are in place of the Services of a cluster.
const envoyGatewayBackends = `
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: kinde-authz, namespace: default}
spec: {endpoints: [{ip: {address: 127.0.0.1, port: %[1]s}}], appProtocols: [gateway.envoyproxy.io/h2c]}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: agent, namespace: default}
spec: {endpoints: [{ip: {address: 127.0.0.1, port: %[2]s}}]}
`

// forMCP is a file of deploy/envoy-gateway with what its comments keep for MCP servers.
func forMCP(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile("../deploy/envoy-gateway/" + name)
	if err != nil {
		t.Fatal(err)
	}
	before, comment, found := strings.Cut(string(content), "# For MCP servers, ")
	if !found {
		return before
	}
	said, rest, _ := strings.Cut(comment, "\n")
	indent := before[strings.LastIndex(before, "\n")+1:]
	var out strings.Builder
	out.WriteString(before + "# For MCP servers, " + said + "\n")
	for line := range strings.Lines(rest) {
		commented, isComment := strings.CutPrefix(line, indent+"# ")
		if !isComment {
			out.WriteString(rest)
			break
		}
		out.WriteString(indent + commented)
		rest = rest[len(line):]
	}
	return out.String()
}

// outsideACluster changes what the objects of deploy/envoy-gateway, set up for MCP servers,
// say of a cluster, and nothing else.
func outsideACluster(t *testing.T, port string) map[string]string {
	t.Helper()
	changes := map[string][]string{
		"gateway.yaml": {
			"protocol: HTTP, port: 80}", "protocol: HTTP, port: " + port + "}",
			"{name: agent, port: 8000}", "{group: gateway.envoyproxy.io, kind: Backend, name: agent}",
		},
		"envoy-proxy.yaml": {
			"\nspec:\n", "\nspec:\n  provider: {type: Host, host: {envoyVersion: 1.40.0}}\n",
		},
		"security-policy.yaml": {
			"{name: kinde-authz, namespace: kinde-authz, port: 9191}",
			"{group: gateway.envoyproxy.io, kind: Backend, name: kinde-authz}",
		},
		"client-traffic-policy.yaml":  nil,
		"backend-traffic-policy.yaml": {"requests: 600,", "requests: 1000,"},
		"patch-policy.yaml":           {"ext_authz/securitypolicy/default", "ext_authz//default"},
	}
	files := make(map[string]string)
	for name, pairs := range changes {
		text := forMCP(t, name)
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(text, pairs[i]) {
				t.Fatalf("%s: there is no %q to change", name, pairs[i])
			}
			text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
		}
		files[name] = text
	}
	return files
}

// behindEnvoyGateway returns the stack as a caller sees it through an Envoy that Envoy
// Gateway programs.
func behindEnvoyGateway(t *testing.T, s *stack.Stack, upstream string) *stack.Stack {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, content := range outsideACluster(t, port) {
		write("resources/"+name, content)
	}
	write("resources/backends.yaml", fmt.Sprintf(envoyGatewayBackends, portOf(s.AuthzGRPC), portOf(upstream)))
	in := func(name string) string { return filepath.Join(dir, name) }
	config := write("envoy-gateway.yaml", fmt.Sprintf(envoyGatewayConfig,
		in("resources"), in("config"), in("data"), in("state"), in("run")))
	// The Envoy is looked for here before it is downloaded.
	local := in("data/envoy-versions/1.40.0/bin")
	if err := os.MkdirAll(local, 0o700); err != nil {
		t.Fatal(err)
	}
	envoy, err := filepath.Abs(programs.Envoy)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(envoy, filepath.Join(local, "envoy")); err != nil {
		t.Fatal(err)
	}
	gateway := os.Getenv("ENVOY_GATEWAY_PROGRAM")
	certificates := exec.Command(gateway, "certgen", "--local", "--config-home", in("config"))
	if out, err := certificates.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	url := "http://localhost:" + port
	await(t, url, gateway, "server", "--config-path", config)
	admins, err := filepath.Glob(in("run/*/admin-address.txt"))
	if err != nil || len(admins) != 1 {
		t.Fatal(admins, err)
	}
	admin, err := os.ReadFile(admins[0])
	if err != nil {
		t.Fatal(err)
	}
	return &stack.Stack{Issuer: s.Issuer, URL: url, EnvoyAdmin: "http://" + strings.TrimSpace(string(admin))}
}

// What a caller sees through Envoy Gateway is what it sees through envoy.yaml.
func TestEnvoyGateway(t *testing.T) {
	t.Run("scenes", func(t *testing.T) {
		upstream := httptest.NewServer(agent.Handler())
		defer upstream.Close()
		address := upstream.Listener.Addr().String()
		s := own(t, func(c *stack.Config) { c.Upstream, c.Settings = address, stack.SampleSettings })
		behind := behindEnvoyGateway(t, s, address)
		wantScenes(t, behind)
		wantHealthy(t, s, behind)
		wantLimitPerOrganization(t, behind)
	})
	t.Run("forged headers", func(t *testing.T) {
		upstream := cgi(t)
		s := own(t, func(c *stack.Config) { c.Upstream = upstream })
		wantNoForgery(t, behindEnvoyGateway(t, s, upstream))
	})
	t.Run("outage", func(t *testing.T) {
		upstream := cgi(t)
		s := own(t, func(c *stack.Config) { c.Upstream = upstream })
		behind := behindEnvoyGateway(t, s, upstream)
		s.Authz.Stop()
		wantOutage(t, behind)
	})
}

// wantLimitPerOrganization uses up what one organization may send, and wants another to
// be served all the same.
func wantLimitPerOrganization(t *testing.T, s *stack.Stack) {
	t.Helper()
	client := protocols["HTTP/1.1"]
	acme := s.Issuer.Token(s.Issuer.UserClaims())
	globex := s.Issuer.Token(s.Issuer.UserClaims().With("org_code", "org_globex"))
	for range 1100 {
		if got := send(t, client, s.URL, acme); got.status == http.StatusTooManyRequests {
			if other := send(t, client, s.URL, globex); other.status != http.StatusOK {
				t.Errorf("another organization: status %d", other.status)
			}
			return
		}
	}
	t.Error("no request is over the limit")
}
