//go:build deploy

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// load sends what the guide's settings allow.
func (c *cluster) load(t *testing.T, g *guide, keepAlive bool) *load {
	t.Helper()
	return startLoad(t, c.url(t, namespace)+guardedPath, g.token, keepAlive)
}

// wantConfined looks at the processes as the kernel knows them: not root, without capabilities,
// new privileges or system calls that are not needed, and on a root that cannot be written.
func wantConfined(t *testing.T, _ *cluster, _ *guide) {
	for program, number := range map[string]int{"/kinde-authz\x00serve\x00": 2, "/usr/local/bin/envoy\x00-c\x00": 2} {
		found := 0
		lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range lines {
			line, err := os.ReadFile(path)
			if err != nil || !bytes.HasPrefix(line, []byte(program)) {
				continue
			}
			found++
			status, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "status"))
			for _, want := range []string{
				`Uid:(\t65532){4}`, `Gid:(\t65532){4}`, `CapEff:\t0+`, `CapBnd:\t0+`, `NoNewPrivs:\t1`, `Seccomp:\t2`,
			} {
				if !regexp.MustCompile(`(?m)^` + want + `$`).Match(status) {
					t.Errorf("%q: not %s in\n%s", line, want, status)
				}
			}
			mounts, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "mountinfo"))
			if !regexp.MustCompile(`(?m)^\d+ \d+ \S+ / / ro,`).Match(mounts) {
				t.Errorf("%q: its root can be written:\n%s", line, mounts)
			}
		}
		if found != number {
			t.Errorf("%d processes of %q, want %d", found, program, number)
		}
	}
}

func wantRollingUpdate(t *testing.T, c *cluster, g *guide) {
	before := c.pods(t)
	l := c.load(t, g, true)
	c.kubectl(t, "-n", namespace, "rollout", "restart", "deployment/kinde-authz")
	c.kubectl(t, "-n", namespace, "rollout", "status", "deployment/kinde-authz", "--timeout", "180s")
	within(t, time.Minute, "the replicas are others", func() bool {
		now := c.pods(t)
		return len(now) == len(before) && now[0].Metadata.Name != before[0].Metadata.Name
	})
	l.wantAll(t, "rolling update")
}

func wantKilled(t *testing.T, c *cluster, g *guide) {
	l := c.load(t, g, true)
	c.kubectl(t, "-n", namespace, "delete", "pod", c.pods(t)[0].Metadata.Name, "--grace-period=0", "--force")
	c.scaled(t, 2)
	l.wantAll(t, "a replica killed")
}

// decisions is how many a replica has made.
func (p pod) decisions(t *testing.T) (total float64) {
	t.Helper()
	response, err := http.Get("http://" + p.Status.PodIP + ":9192/metrics")
	if err != nil {
		return 0 // it does not listen yet
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "kinde_authz_decisions_total{") {
			var value float64
			if _, err := fmt.Sscan(line[strings.LastIndex(line, " "):], &value); err != nil {
				t.Fatal(err)
			}
			total += value
		}
	}
	return total
}

// wantScaling wants each of four replicas to get its part of the load, and soon.
func wantScaling(t *testing.T, c *cluster, g *guide) {
	l := c.load(t, g, true)
	start := time.Now()
	c.kubectl(t, "-n", namespace, "scale", "deployment/kinde-authz", "--replicas=4")
	within(t, 30*time.Second, "four replicas share the load", func() bool { return c.shares(t) == 4 })
	t.Logf("scaling from 2 to 4: the load has spread after %s", time.Since(start).Round(100*time.Millisecond))
	c.scaled(t, 4)
	l.wantAll(t, "scaling up")
}

// shares is how many replicas made a tenth of a second's decisions, or more.
func (c *cluster) shares(t *testing.T) (number int) {
	t.Helper()
	pods := c.pods(t)
	before := map[string]float64{}
	for _, p := range pods {
		if p.Status.PodIP != "" {
			before[p.Metadata.Name] = p.decisions(t)
		}
	}
	<-time.After(time.Second) // what is measured is a rate
	for _, p := range pods {
		if count, found := before[p.Metadata.Name]; found && p.decisions(t)-count > rate/10 {
			number++
		}
	}
	return number
}

// wantDrain takes a node's Pods away, Envoy's too, as the disruption budgets allow.
func wantDrain(t *testing.T, c *cluster, g *guide) {
	l := c.load(t, g, false)
	fewest := 4
	drain := exec.CommandContext(t.Context(), "kubectl", "drain", "node2", "--delete-emptydir-data", "--timeout=180s")
	var out bytes.Buffer
	drain.Stdout, drain.Stderr = &out, &out
	if err := drain.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- drain.Wait() }()
	within(t, 3*time.Minute, "the node is drained", func() bool {
		available := 0
		_, _ = fmt.Sscan(c.kubectl(t, "-n", namespace, "get", "deployment", "kinde-authz", "-o",
			"jsonpath={.status.availableReplicas}"), &available)
		fewest = min(fewest, available)
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			return true
		default:
			return false
		}
	})
	for _, p := range c.pods(t) {
		if p.Spec.NodeName == "node2" {
			t.Errorf("%s is still there", p.Metadata.Name)
		}
	}
	if fewest < 3 || !strings.Contains(out.String(), "disruption budget") {
		t.Errorf("%d replicas at the least; the budget held nothing up:\n%s", fewest, out.String())
	}
	c.scaled(t, 4)
	l.wantAll(t, "draining")
	c.kubectl(t, "uncordon", "node2")
}

// wantReload changes the settings of the guide, and wants the replicas to follow as they are.
func wantReload(t *testing.T, c *cluster, g *guide) {
	before := c.pods(t)
	path, url := filepath.Join(g.root, "cluster/kinde-authz.yaml"), c.url(t, namespace)
	settings, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, strings.Replace(string(settings), "\nroutes:\n", "\nroutes:\n  - {path: /open, public: true}\n", 1))
	g.shell(t, "kubectl apply -k cluster")
	took := within(t, 2*time.Minute, "the new route is known to all", func() bool {
		for range 20 {
			if send(t, protocols["HTTP/1.1"], url+"/open", "").status != http.StatusOK {
				return false
			}
		}
		return true
	})
	t.Logf("the settings hold after %s", took.Round(time.Second))
	if now := c.pods(t); len(now) != len(before) || now[0].Metadata.Name != before[0].Metadata.Name {
		t.Error("the replicas are others")
	}
}

// wantNobody takes all replicas away: nobody passes, with a token or without.
func wantNobody(t *testing.T, c *cluster, g *guide) {
	without := startLoad(t, c.url(t, namespace)+guardedPath, "", true)
	scale := func(replicas int) {
		c.kubectl(t, "-n", namespace, "scale", "deployment/kinde-authz", fmt.Sprintf("--replicas=%d", replicas))
		c.scaled(t, replicas)
	}
	arrived := c.arrived.Load()
	scale(0)
	url := c.url(t, namespace) + guardedPath
	assertClosed(t, protocols["HTTP/1.1"], url, g.token)
	scale(2)
	eventually(t, "Envoy has found the new replicas", func() bool {
		return answerTo(protocols["HTTP/1.1"], url, g.token) == "200"
	})
	without.stop()
	t.Logf("without a token: %d requests: %v", without.sent, without.answers)
	denied, failed := without.answers["401"], without.answers[`503 ""`]
	if denied == 0 || failed == 0 || denied+failed != without.sent {
		t.Errorf("%d were denied and %d failed", denied, failed)
	}
	if n := c.arrived.Load() - arrived; n != 1 { // the one with a token that found the new replicas
		t.Errorf("%d requests reached the upstream, want 1", n)
	}
}

// release installs or upgrades the chart with values for the README's scenes.
func (c *cluster) release(t *testing.T, more ...string) {
	t.Helper()
	values := filepath.Join(t.TempDir(), "values.yaml")
	write(t, values, "settings:\n  "+strings.ReplaceAll(stack.SampleSettings, "\n", "\n  "))
	c.command(t, "", "helm", append([]string{
		"upgrade", "--install", "kinde-authz", "deploy/helm/kinde-authz", "--namespace", namespace, "--wait",
		"--timeout", "3m", "--values", values,
		"--set", "image.repository=registry.example.com/kinde-authz", "--set", "domain=" + c.issuer.URL,
		"--set", "audience={" + kindetest.Audience + "}", "--set", "allowedOrgs={org_acme,org_globex}",
	}, more...)...)
}

func wantCallersOfCluster(t *testing.T, c *cluster, _ *guide) {
	c.release(t, "--set", "podAnnotations.round=scenes")
	c.scaled(t, 2)
	behind := c.seen(t)
	token := c.issuer.Token(c.issuer.UserClaims())
	eventually(t, "Envoy asks the new replicas", func() bool {
		return send(t, protocols["HTTP/1.1"], behind.URL, token).status == http.StatusOK
	})
	wantScenes(t, behind)
	c.handle(http.HandlerFunc(serveEnvironment))
	wantNoForgery(t, behind)
	c.handle(agent.Handler())
}

func wantUpgrade(t *testing.T, c *cluster, _ *guide) {
	token := c.issuer.Token(c.issuer.UserClaims())
	l := startLoad(t, c.url(t, namespace), token, true)
	c.release(t, "--set", "drainDelaySeconds=5")
	c.scaled(t, 2)
	l.wantAll(t, "Helm's upgrade")
	c.command(t, "", "helm", "uninstall", "kinde-authz", "--namespace", namespace, "--wait")
	c.scaled(t, 0)
	const kinds = "deployment,service,configmap,serviceaccount,networkpolicy,poddisruptionbudget,horizontalpodautoscaler"
	left := c.kubectl(t, "-n", namespace, "get", kinds, "-l", "app.kubernetes.io/name=kinde-authz", "-o", "name")
	if left != "" {
		t.Errorf("left behind: %s", left)
	}
	assertClosed(t, protocols["HTTP/1.1"], c.url(t, namespace), token)
}

// wantSidecar applies the overlay as it is: Envoy and kinde-authz in one Pod.
func wantSidecar(t *testing.T, c *cluster, g *guide) {
	const name = "sidecar"
	c.kubectl(t, "create", "namespace", name)
	c.kubectl(t, "label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
	c.service(t, name, "agent", "8000")
	c.kubectl(t, "-n", name, "apply", "-k", "deploy/kubernetes/overlays/sidecar")
	c.kubectl(t, "-n", name, "rollout", "status", "deployment/envoy", "--timeout", "120s")
	url, client := c.url(t, name), protocols["HTTP/1.1"]
	got := send(t, client, url, g.token, "x-kinde-user-id: kp_admin")
	if user := got.Identity["x-kinde-user-id"]; got.status != 200 || len(user) != 1 || user[0] != kindetest.UserID {
		t.Errorf("status %d %s, user %v", got.status, got.Reason, user)
	}
	assertDenied(t, send(t, client, url, ""), 401, "missing_token")
}
