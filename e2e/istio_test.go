//go:build deploy

package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// plainEnvoy is what an Envoy that Istio has not built does not have, turned off.
const plainEnvoy = `
enableAutoMtls: false
defaultProviders: {}
`

// istioServices are the Services that a cluster would have: kinde-authz and the agent, at
// the addresses of a stack.
const istioServices = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: kinde-authz, namespace: kinde-authz}
spec:
  hosts: [kinde-authz-mesh.kinde-authz.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 9191, name: grpc, protocol: GRPC, targetPort: %[1]s}]
  endpoints: [{address: 127.0.0.1}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: agent, namespace: default}
spec:
  hosts: [agent.default.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 8000, name: http, protocol: HTTP, targetPort: %[2]s}]
  endpoints: [{address: 127.0.0.1, labels: {app: agent}}]
`

// istioProxies are the kinds of Envoys in a mesh, each with the objects of deploy/istio
// that are for it, and with what has it listen on a port of the test.
var istioProxies = map[string]istioProxy{
	"gateway": {
		id: "router~127.0.0.1~gateway.istio-system~istio-system.svc.cluster.local", namespace: "istio-system",
		labels: "{istio: ingressgateway}", files: []string{"gateway.yaml", "hardening-gateway.yaml"},
		listens: `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gateway, namespace: istio-system}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: %[1]s, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: agent, namespace: istio-system}
spec:
  hosts: ["*"]
  gateways: [gateway]
  http: [{route: [{destination: {host: agent.default.svc.cluster.local, port: {number: 8000}}}]}]
`,
	},
	"sidecar": {
		id: "sidecar~127.0.0.1~agent.default~default.svc.cluster.local", namespace: "default",
		labels: "{app: agent}", files: []string{"workload.yaml", "hardening-sidecar.yaml"},
		listens: `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: agent, namespace: default}
spec:
  workloadSelector: {labels: {app: agent}}
  ingress:
  - port: {number: %[1]s, name: http, protocol: HTTP}
    bind: 127.0.0.1
    captureMode: NONE
    defaultEndpoint: 127.0.0.1:%[2]s
---
# Nobody hands out certificates here.
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: default}
spec: {mtls: {mode: DISABLE}}
`,
	},
}

type istioProxy struct {
	id, namespace, labels string
	files                 []string
	listens               string
}

// istioBootstrap is that of an Envoy which takes everything from Istio, as pilot-agent
// writes it, without certificates.
const istioBootstrap = `
admin: {address: {socket_address: {address: 127.0.0.1, port_value: %[1]s}}}
node:
  id: %[2]s
  cluster: %[3]s
  metadata:
    {NAMESPACE: %[3]s, CLUSTER_ID: Kubernetes, MESH_ID: cluster.local, ISTIO_VERSION: 1.31.0, LABELS: %[4]s,
    INSTANCE_IPS: 127.0.0.1, INTERCEPTION_MODE: NONE}
bootstrap_extensions:
- name: envoy.bootstrap.internal_listener
  typed_config: {"@type": type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener}
dynamic_resources:
  lds_config: {ads: {}, initial_fetch_timeout: 0s, resource_api_version: V3}
  cds_config: {ads: {}, initial_fetch_timeout: 0s, resource_api_version: V3}
  ads_config:
    api_type: DELTA_GRPC
    transport_api_version: V3
    set_node_on_first_message_only: true
    grpc_services: [{envoy_grpc: {cluster_name: xds-grpc}}]
static_resources:
  clusters:
  - name: xds-grpc
    type: STATIC
    connect_timeout: 1s
    load_assignment:
      cluster_name: xds-grpc
      endpoints:
      - lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %[5]s}}}}]
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}
`

// await starts a program of a control plane and waits until it answers.
func await(t *testing.T, url, path string, args ...string) {
	t.Helper()
	log := &process.Log{}
	command := exec.Command(path, args...)
	command.Env = append(os.Environ(), "PILOT_ENABLE_METADATA_EXCHANGE=false", "PILOT_ENABLE_ALPN_FILTER=false")
	program := run(t, command, log)
	t.Cleanup(func() {
		if text := log.String(); t.Failed() {
			t.Logf("%s:\n%s", path, text[max(0, len(text)-8000):])
		}
	})
	until(t, program, "an answer at "+url, func() bool {
		if address, isPort := strings.CutPrefix(url, "tcp://"); isPort {
			conn, err := net.Dial("tcp", address)
			if err == nil {
				conn.Close()
			}
			return err == nil
		}
		response, err := http.Get(url)
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode != http.StatusServiceUnavailable && response.StatusCode != http.StatusNotFound
	})
}

// withBody has the provider send bodies, as docs/mcp.md says, for the MCP server.
func withBody(t *testing.T, mesh string) string {
	t.Helper()
	const after = "    failOpen: false\n"
	if strings.Count(mesh, after) != 1 {
		t.Fatalf("mesh-config.yaml: want %q once", after)
	}
	const body = "    includeRequestBodyInCheck: " +
		"{maxRequestBytes: 131072, allowPartialMessage: false, packAsBytes: true}\n"
	return strings.Replace(mesh, after, after+body, 1)
}

// behind returns the stack as a caller sees it through an Envoy that Istio programs.
// Its agent is the upstream.
func (p istioProxy) behind(t *testing.T, s *stack.Stack, upstream string) *stack.Stack {
	t.Helper()
	dir, port, admin, discovery := t.TempDir(), freePort(t), freePort(t), freePort(t)
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mesh, err := os.ReadFile("../deploy/istio/mesh-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{
		"127.0.0.1:" + discovery, file("mesh.yaml", withBody(t, string(mesh))+plainEnvoy),
		file("services.yaml", fmt.Sprintf(istioServices, portOf(s.AuthzGRPC), portOf(upstream))),
		file("listens.yaml", fmt.Sprintf(p.listens, port, portOf(upstream))),
		"../deploy/istio/destination-rule.yaml",
	}
	for _, name := range p.files {
		args = append(args, "../deploy/istio/"+name)
	}
	await(t, "tcp://127.0.0.1:"+discovery, os.Getenv("ISTIO_XDS"), args...)
	bootstrap := file("envoy.yaml", fmt.Sprintf(istioBootstrap, admin, p.id, p.namespace, p.labels, discovery))
	url := "http://localhost:" + port
	await(t, url, programs.Envoy, "-c", bootstrap, "--concurrency", "1", "--use-dynamic-base-id")
	return &stack.Stack{Issuer: s.Issuer, URL: url, EnvoyAdmin: "http://127.0.0.1:" + admin}
}

// What a caller sees through an Envoy of Istio is what it sees through envoy.yaml: the
// scenes of the README, no forged identity in any spelling, and 503 without kinde-authz.
func TestIstio(t *testing.T) {
	for name, proxy := range istioProxies {
		t.Run(name, func(t *testing.T) {
			t.Run("scenes", func(t *testing.T) {
				upstream := httptest.NewServer(agent.Handler())
				defer upstream.Close()
				address := upstream.Listener.Addr().String()
				s := own(t, func(c *stack.Config) { c.Upstream, c.Settings = address, stack.SampleSettings })
				behind := proxy.behind(t, s, address)
				wantScenes(t, behind)
				wantHealthy(t, s, behind)
			})
			t.Run("forged headers", func(t *testing.T) {
				upstream := cgi(t)
				s := own(t, func(c *stack.Config) { c.Upstream = upstream })
				wantNoForgery(t, proxy.behind(t, s, upstream))
			})
			t.Run("outage", func(t *testing.T) {
				upstream := cgi(t)
				s := own(t, func(c *stack.Config) { c.Upstream = upstream })
				behind := proxy.behind(t, s, upstream)
				s.Authz.Stop()
				wantOutage(t, behind)
			})
		})
	}
}

func wantScenes(t *testing.T, s *stack.Stack) {
	t.Helper()
	var table strings.Builder
	if err := s.Play(t.Context(), &table); err != nil {
		t.Errorf("%v\n%s", err, table.String())
	}
	client := protocols["HTTP/1.1"]
	token := s.Issuer.Token(s.Issuer.UserClaims())
	for _, path := range []string{"/api/..%2fadmin", "/api/%2e%2e%2fadmin", "/api/..%5cadmin"} {
		if got := send(t, client, s.URL+path, token); got.status != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", path, got.status)
		}
	}
}

// wantHealthy asks the doctor about the Envoy, who must not find anything but that nothing
// limits its connections: that is not said where these Envoys are programmed.
func wantHealthy(t *testing.T, s, behind *stack.Stack) {
	t.Helper()
	command := exec.Command(programs.Authz, "doctor", "--config", s.Settings, "--insecure-http",
		"--domain", s.Issuer.URL,
		"--audience", kindetest.Audience, "--allowed-orgs", stack.AllowedOrgs,
		"--address", s.AuthzGRPC, "--envoy-admin", behind.EnvoyAdmin)
	out, err := command.Output()
	for line := range strings.Lines(string(out)) {
		if found := strings.HasPrefix(line, "warning") || strings.HasPrefix(line, "failed"); found &&
			!strings.Contains(line, "nothing limits the connections") {
			t.Errorf("the doctor finds: %s", line)
		}
	}
	if err != nil || !strings.Contains(string(out), "ok       envoy listener") {
		t.Errorf("%v\n%s", err, out)
	}
}

func wantNoForgery(t *testing.T, s *stack.Stack) {
	t.Helper()
	for token, want := range map[string]string{
		s.Issuer.Token(s.Issuer.UserClaims()):    kindetest.UserID,
		s.Issuer.Token(s.Issuer.MachineClaims()): "",
	} {
		sendSpellings(t, protocols["HTTP/1.1"], s, token, want, 29)
	}
}

func wantOutage(t *testing.T, s *stack.Stack) {
	t.Helper()
	token := s.Issuer.Token(s.Issuer.UserClaims())
	if got := send(t, protocols["HTTP/1.1"], s.URL, token); got.status != http.StatusServiceUnavailable {
		t.Errorf("without kinde-authz: status %d, want 503", got.status)
	}
}
