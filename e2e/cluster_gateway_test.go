//go:build deploy

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

// gatewayPods have the image that is there, and the label that the guide asks for.
const gatewayPods = `{"spec": {"provider": {"type": "Kubernetes", "kubernetes": {"envoyDeployment": {
  "container": {"image": "docker.io/envoyproxy/envoy:v%s"}, "pod": {"labels": {"kinde-authz-client": "true"}}}}}}}`

// wantEnvoyGateway installs Envoy Gateway by its own chart, applies deploy/envoy-gateway as it is
// for MCP servers, and wants callers to see what they see through envoy.yaml.
func wantEnvoyGateway(t *testing.T, c *cluster, _ *guide) {
	const system, shutdown = "envoy-gateway-system", "config.envoyGateway.provider.kubernetes.shutdownManager.image="
	c.release(t)
	c.service(t, "default", "agent", "8000")
	chart := filepath.Join(c.work, "gateway-helm")
	crds := filepath.Join(chart, "charts/crds/crds")
	c.kubectl(t, "apply", "--server-side", "-f", crds+"/gatewayapi-crds.yaml", "-f", crds+"/generated")
	c.command(t, "", "helm", "install", "eg", chart, "--namespace", system, "--create-namespace", "--skip-crds",
		"--set", "crds.enabled=false", "--set", "config.envoyGateway.extensionApis.enableEnvoyPatchPolicy=true",
		"--set", shutdown+"docker.io/envoyproxy/gateway:test",
		"--wait", "--timeout", "3m")
	files, err := filepath.Glob("../deploy/envoy-gateway/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		c.command(t, forMCP(t, filepath.Base(file)), "kubectl", "apply", "-f", "-")
	}
	c.kubectl(t, "-n", system, "patch", "envoyproxy", "kinde-authz", "--type=merge", "--patch",
		fmt.Sprintf(gatewayPods, os.Getenv("ENVOY_VERSION")))
	owned := []string{"-n", system, "get", "service", "-l", "gateway.envoyproxy.io/owning-gateway-name=eg", "-o",
		"jsonpath={.items[*].spec.clusterIP}"}
	var address string
	within(t, time.Minute, "there is a Service of the Gateway", func() bool {
		address = c.kubectl(t, owned...)
		return address != ""
	})
	behind := &stack.Stack{Issuer: c.issuer, URL: "http://" + address}
	token := c.issuer.Token(c.issuer.UserClaims())
	client := &http.Client{Timeout: time.Second}
	within(t, 90*time.Second, "its Envoy guards the route", func() bool {
		return answerTo(client, behind.URL, token) == "200" && answerTo(client, behind.URL, "") == "401"
	})
	wantScenes(t, behind)
	c.handle(http.HandlerFunc(serveEnvironment))
	wantNoForgery(t, behind)
	c.handle(agent.Handler())
	arrived := c.arrived.Load()
	c.kubectl(t, "-n", namespace, "scale", "deployment/kinde-authz", "--replicas=0")
	c.scaled(t, 0)
	for range 20 {
		if got := answerTo(client, behind.URL, token); got == "200" {
			t.Error("a request passed without kinde-authz")
		}
	}
	if n := c.arrived.Load() - arrived; n != 0 {
		t.Errorf("%d requests reached the upstream", n)
	}
}
