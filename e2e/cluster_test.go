//go:build deploy

package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// node is an address that Pods reach this process at, as deploy/test/cluster.sh sets it up.
const node = "10.99.0.1"

// cluster is one of Kubernetes, to which this process is the issuer and the upstream.
type cluster struct {
	work     string // the folder of deploy/test/cluster.sh
	issuer   *kindetest.Issuer
	upstream string // its port
	serving  atomic.Pointer[http.Handler]
	arrived  atomic.Uint64 // how many requests reached the upstream
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{work: os.Getenv("CLUSTER"), issuer: kindetest.New("https://yourapp.kinde.com")}
	t.Setenv("PATH", filepath.Join(c.work, "bin")+":"+os.Getenv("PATH"))
	certificate, err := tls.LoadX509KeyPair(filepath.Join(c.work, "issuer.crt"), filepath.Join(c.work, "issuer.key"))
	if err != nil {
		t.Fatal(err)
	}
	issuer := c.serve(t, ":443", c.issuer)
	issuer.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	issuer.StartTLS()
	c.handle(agent.Handler())
	upstream := c.serve(t, ":0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.arrived.Add(1)
		(*c.serving.Load()).ServeHTTP(w, r)
	}))
	upstream.Start()
	c.upstream = portOf(upstream.Listener.Addr().String())
	return c
}

func (c *cluster) serve(t *testing.T, port string, handler http.Handler) *httptest.Server {
	t.Helper()
	listener, err := net.Listen("tcp", node+port)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	t.Cleanup(server.Close)
	return server
}

// handle has the upstream answer in another way.
func (c *cluster) handle(handler http.Handler) { c.serving.Store(&handler) }

// kubectl runs a command that must succeed, and returns what it prints.
func (c *cluster) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return c.command(t, "", "kubectl", args...)
}

func (c *cluster) command(t *testing.T, in, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir, command.Stdin = "..", strings.NewReader(in)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// service makes a Service of a name and a port that leads to the upstream.
func (c *cluster) service(t *testing.T, namespace, name, port string) {
	t.Helper()
	c.command(t, fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: %[2]s, namespace: %[1]s}
spec: {ports: [{port: %[3]s}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %[2]s, namespace: %[1]s, labels: {kubernetes.io/service-name: %[2]s}}
addressType: IPv4
endpoints: [{addresses: [%[4]s]}]
ports: [{port: %[5]s}]
`, namespace, name, port, node, c.upstream), "kubectl", "apply", "-f", "-")
}

// url is that of Envoy's Service.
func (c *cluster) url(t *testing.T, namespace string) string {
	t.Helper()
	address := c.kubectl(t, "-n", namespace, "get", "service", "envoy", "-o", "jsonpath={.spec.clusterIP}")
	return "http://" + address + ":8080"
}

// seen is the cluster as a caller of Envoy sees it.
func (c *cluster) seen(t *testing.T) *stack.Stack {
	t.Helper()
	return &stack.Stack{Issuer: c.issuer, URL: c.url(t, namespace)}
}

// pod is what is asked about Pods.
type pod struct {
	Metadata struct{ Name string }
	Spec     struct{ NodeName string }
	Status   struct {
		PodIP             string
		Conditions        []struct{ Type, Status string }
		ContainerStatuses []struct{ RestartCount int }
	}
}

// pods are those of kinde-authz.
func (c *cluster) pods(t *testing.T) []pod {
	t.Helper()
	var list struct{ Items []pod }
	out := c.kubectl(t, "-n", namespace, "get", "pods", "-l", "app.kubernetes.io/name=kinde-authz", "-o", "json")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// within waits for a condition for so long, and returns how long it took.
func within(t *testing.T, limit time.Duration, what string, met func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for !met() {
		if <-tick.C; time.Since(start) > limit {
			t.Fatalf("still not true after %s: %s", limit, what)
		}
	}
	return time.Since(start)
}

// scaled waits until there are so many replicas, all of them ready.
func (c *cluster) scaled(t *testing.T, number int) {
	t.Helper()
	within(t, 90*time.Second, fmt.Sprintf("there are %d replicas, all ready", number), func() bool {
		pods, ready := c.pods(t), 0
		for _, p := range pods {
			for _, condition := range p.Status.Conditions {
				if condition.Type == "Ready" && condition.Status == "True" {
					ready++
				}
			}
		}
		return len(pods) == number && ready == number
	})
}

// What the guide says is done in a real cluster, and lasts under load.
func TestCluster(t *testing.T) {
	c := newCluster(t)
	c.service(t, "default", "my-api", "8080")
	g := newGuide(t, c)
	for _, step := range []struct {
		name string
		run  func(*testing.T, *cluster, *guide)
	}{
		{"the guide with Kustomize", guideWithKustomize},
		{"processes are confined", wantConfined},
		{"rolling update", wantRollingUpdate},
		{"a replica is killed", wantKilled},
		{"scaling up", wantScaling},
		{"a node is drained", wantDrain},
		{"settings are read again", wantReload},
		{"all replicas are down", wantNobody},
		{"the guide with Helm", guideWithHelm},
		{"scenes and forged headers", wantCallersOfCluster},
		{"Helm's upgrade and uninstall", wantUpgrade},
		{"sidecar", wantSidecar},
		{"Envoy Gateway", wantEnvoyGateway},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, c, g) }) {
			return // the next begins where this one ends
		}
	}
}
