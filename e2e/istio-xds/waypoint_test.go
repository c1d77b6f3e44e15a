package main

import (
	"os"
	"testing"

	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pilot/test/xdstest"
)

// ambient is a waypoint, a workload behind it, and the Service of kinde-authz.
const ambient = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: default}
spec:
  gatewayClassName: waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE}]
status:
  addresses: [{type: Hostname, value: waypoint.default.svc.cluster.local}]
---
apiVersion: v1
kind: Service
metadata:
  name: waypoint
  namespace: default
  labels:
    gateway.istio.io/managed: istio.io-mesh-controller
    gateway.networking.k8s.io/gateway-name: waypoint
spec:
  clusterIP: 3.0.0.0
  ports: [{name: mesh, port: 15008, appProtocol: hbone}]
  selector: {gateway.networking.k8s.io/gateway-name: waypoint}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata:
  name: waypoint
  namespace: default
  labels: {gateway.networking.k8s.io/gateway-name: waypoint}
spec: {address: 3.0.0.1}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: agent
  namespace: default
  labels: {istio.io/use-waypoint: waypoint}
spec:
  hosts: [agent.example.com]
  addresses: [1.2.3.4]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  workloadSelector: {labels: {app: agent}}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata:
  name: agent
  namespace: default
  labels: {app: agent}
  annotations: {ambient.istio.io/redirection: enabled}
spec: {address: 1.1.1.1}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: kinde-authz, namespace: kinde-authz}
spec:
  hosts: [kinde-authz-mesh.kinde-authz.svc.cluster.local]
  resolution: STATIC
  ports: [{number: 9191, name: grpc, protocol: GRPC}]
  endpoints: [{address: 127.0.0.1}]
`

// The policy for a waypoint has Envoy ask kinde-authz about each request to the workload.
func TestWaypoint(t *testing.T) {
	for file, asks := range map[string]bool{"../../deploy/istio/waypoint.yaml": true, "": false} {
		if got := asksKindeAuthz(t, file); got != asks {
			t.Errorf("with %q the waypoint asks kinde-authz: %t, want %t", file, got, asks)
		}
	}
}

// asksKindeAuthz reports whether all filter chains of the waypoint that end in HTTP have
// ext_authz before the router.
func asksKindeAuthz(t *testing.T, policy string) bool {
	t.Helper()
	content := ambient
	if policy != "" {
		more, err := os.ReadFile(policy)
		if err != nil {
			t.Fatal(err)
		}
		content += separator + string(more)
	}
	config, err := readMesh("../../deploy/istio/mesh-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
		// Istio's controller for ambient meshes reads Kubernetes, its policies the rest.
		ConfigString:           content,
		KubernetesObjectString: ambient,
		MeshConfig:             config,
	})
	proxy := d.SetupProxy(&model.Proxy{
		Type:            model.Waypoint,
		ConfigNamespace: "default",
		Labels: map[string]string{
			"gateway.networking.k8s.io/gateway-name": "waypoint",
			"gateway.istio.io/managed":               "istio.io-mesh-controller",
		},
		IPAddresses: []string{"3.0.0.1"},
	})
	main := xdstest.ExtractListener("main_internal", d.Listeners(proxy))
	chains := 0
	for _, chain := range main.GetFilterChains() {
		manager := xdstest.ExtractHTTPConnectionManager(t, chain)
		if manager == nil {
			continue
		}
		chains++
		if !has(manager, "envoy.filters.http.ext_authz") {
			return false
		}
	}
	if chains == 0 {
		t.Fatal("the waypoint has no HTTP filter chain")
	}
	return true
}

func has(manager *hcm.HttpConnectionManager, filter string) bool {
	for _, f := range manager.GetHttpFilters() {
		if f.GetName() == filter {
			return true
		}
	}
	return false
}
