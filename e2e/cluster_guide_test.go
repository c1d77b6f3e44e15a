//go:build deploy

package e2e

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// namespace is the one of the guide, path what its settings know, and the rest what its tokens need.
const (
	namespace     = "kinde-authz"
	guardedPath   = "/api/agents/weather/generate"
	guideAudience = "https://api.yourapp.com"
	guideOrg      = "org_abc123"
)

// guide is docs/kubernetes.md, done in a folder.
type guide struct {
	root     string
	sections map[string]string // by their headings
	token    string
}

func newGuide(t *testing.T, c *cluster) *guide {
	t.Helper()
	g := &guide{root: t.TempDir(), sections: map[string]string{}}
	g.token = c.issuer.Token(c.issuer.UserClaims().With("aud", []string{guideAudience}).With("org_code", guideOrg))
	content, err := os.ReadFile("../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range regexp.MustCompile(`(?m)^##+ `).Split(string(content), -1) {
		heading, text, _ := strings.Cut(section, "\n")
		g.sections[heading] = text
	}
	for _, dir := range []string{"kubernetes", "helm"} {
		if err := os.CopyFS(filepath.Join(g.root, "deploy", dir), os.DirFS("../deploy/"+dir)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(g.root, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(programs.Authz, filepath.Join(g.root, "bin/kinde-authz")); err != nil {
		t.Fatal(err)
	}
	envoy, err := os.ReadFile("../envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(g.root, "envoy.yaml"), string(envoy))
	return g
}

var (
	fences   = regexp.MustCompile("(?s)([^\n]*(?:\n[^\n]+)*)\n+```(sh|yaml)\n(.*?)```\n")
	fileName = regexp.MustCompile("`([a-z-]+(?:/[a-z-]+)+\\.yaml)`")
)

// follow does what a section says: writes its files and runs its commands. It returns what they
// print.
func (g *guide) follow(t *testing.T, heading string) string {
	t.Helper()
	var printed strings.Builder
	blocks := fences.FindAllStringSubmatch(g.sections[heading], -1)
	if len(blocks) == 0 {
		t.Fatalf("the guide has no section %q with something to do", heading)
	}
	for _, block := range blocks {
		if name := fileName.FindStringSubmatch(block[1]); block[2] == "yaml" && name != nil {
			path := filepath.Join(g.root, name[1])
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, path, block[3])
			continue
		}
		printed.WriteString(g.shell(t, block[3]))
	}
	return printed.String()
}

// patient is a shell as a person is, who looks whether a forwarded port is there.
const patient = `
set -euo pipefail
trap 'kill $(jobs -p) 2> /dev/null || true' EXIT
curl() { command curl --silent --retry 20 --retry-connrefused --retry-delay 1 "$@"; }
`

func (g *guide) shell(t *testing.T, script string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "bash", "-c", patient+script)
	// The doctor trusts the issuer, as the image does.
	command.Dir, command.Env = g.root, append(os.Environ(), "TOKEN="+g.token,
		"SSL_CERT_FILE="+filepath.Join(os.Getenv("CLUSTER"), "issuer.crt"))
	command.WaitDelay = 10 * time.Second
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// wantTried wants the answers that the guide promises.
func (g *guide) wantTried(t *testing.T) {
	t.Helper()
	out := g.follow(t, "5. Try it")
	var statuses []string
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		// 503 while Envoy has not found the first replica.
		if status, found := strings.CutPrefix(lines.Text(), "HTTP/1.1 "); found && !strings.HasPrefix(status, "503") {
			statuses = append(statuses, status)
		}
	}
	if got := strings.Join(statuses, ", "); got != "401 Unauthorized, 200 OK" || !strings.Contains(out, "missing_token") {
		t.Errorf("got %s of\n%s", got, out)
	}
}

// wantSigned wants both replicas to be others, and the upstream to get an assertion of the caller.
func (g *guide) wantSigned(t *testing.T, c *cluster) {
	t.Helper()
	c.scaled(t, 2)
	url := c.url(t, namespace) + guardedPath
	within(t, time.Minute, "an assertion arrives", func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+g.token)
		response, err := protocols["HTTP/1.1"].Do(request)
		if err != nil {
			t.Fatal(err)
		}
		got := read(t, response)
		return got.status == http.StatusOK && len(got.Identity["x-kinde-assertion"]) == 1
	})
}

func guideWithKustomize(t *testing.T, c *cluster, g *guide) {
	for _, heading := range []string{"2. Settings", "3. Envoy's configuration", "4. Install it with Kustomize"} {
		g.follow(t, heading)
	}
	g.wantTried(t)
	c.scaled(t, 2) // the autoscaler has added the second
	g.follow(t, "6. Close your API")
	g.wantSigned(t, c)
	if out := g.follow(t, "7. Ask the doctor"); !strings.Contains(out, ": its settings are these\n") ||
		strings.Contains(out, "\nwarning ") {
		t.Errorf("the doctor says\n%s", out)
	}
	for _, p := range c.pods(t) {
		for _, container := range p.Status.ContainerStatuses {
			if container.RestartCount != 0 {
				t.Errorf("%s was restarted", p.Metadata.Name)
			}
		}
	}
}

func guideWithHelm(t *testing.T, c *cluster, g *guide) {
	g.shell(t, "kubectl delete --wait -k cluster")
	c.scaled(t, 0)
	g.follow(t, "4. Or install it with Helm")
	g.wantTried(t)
	c.scaled(t, 2)
	g.follow(t, "6. Or give the key to Helm")
	g.wantSigned(t, c)
}
