package browser

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

// up is a running kinde-dev up.
type up struct {
	*process.Process
	dir, url, envoy string // url is that of the playground
}

// startUp runs the built programs. They end with the test.
func startUp(t *testing.T) *up {
	t.Helper()
	u := &up{dir: t.TempDir()}
	build := exec.Command("go", "build", "-o", u.dir+"/", "./cmd/...")
	build.Dir = "../.."
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	stdout, stderr := &process.Log{}, &process.Log{}
	command := exec.Command(filepath.Join(u.dir, "kinde-dev"), "up", "--port-base=0", "--logs", ".tools/browser/up")
	command.Dir, command.Stdout = "../..", stdout
	p, err := process.Start(command, stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	u.Process = p
	until(t, p, "its last line", func() bool { return strings.Contains(stdout.String(), "Ctrl-C") })
	found := func(pattern string) string {
		match := regexp.MustCompile(pattern).FindStringSubmatch(stdout.String())
		if match == nil {
			t.Fatalf("no %s in %s", pattern, stdout.String())
		}
		return match[1]
	}
	u.url, u.envoy = found(`Playground: +(http://\S+)`), found(`Envoy: +(http://[^ ,]+)`)
	return u
}

// open shows the playground in a tab that ends with the test, which fails when the page
// complains or asks another host.
func (u *up) open(t *testing.T, window context.Context, first ...chromedp.Action[chromedp.Void]) context.Context {
	t.Helper()
	ctx, end := chromedp.NewContext(window)
	t.Cleanup(end)
	what := &seen{}
	if err := chromedp.Listen(ctx, what.listen); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { what.assertAlone(t, u.url) })
	run(ctx, t, chromedp.Steps(append(first, chromedp.Navigate(u.url), chromedp.WaitVisible("body[data-ready]"))...))
	return ctx
}

// assertAlone fails when a page said something, or asked another than its own server.
func (s *seen) assertAlone(t *testing.T, own string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, url := range s.requests {
		if !strings.HasPrefix(url, own+"/") && url != "data:," {
			t.Errorf("it asks %q", url)
		}
	}
	if len(s.says) > 0 {
		t.Errorf("it says %q", s.says)
	}
}

// promise returns what a promise of the page becomes.
func promise[T any](ctx context.Context, t *testing.T, script string, args ...any) T {
	t.Helper()
	list, err := json.Marshal(append([]any{}, args...))
	if err != nil {
		t.Fatal(err)
	}
	return run(ctx, t, chromedp.Evaluate[T]("("+script+")(..."+string(list)+")", chromedp.EvalAwaitPromise))
}

// axe returns what axe-core finds on the page, which the tests bring.
func axe(ctx context.Context, t *testing.T) []string {
	t.Helper()
	path := os.Getenv("AXE")
	if path == "" {
		t.Fatal("AXE is not set: make test-browser fetches axe-core")
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	run(ctx, t, chromedp.Evaluate[bool](string(source)+"\n; typeof axe === 'object'"))
	return promise[[]string](ctx, t, `async () => (await axe.run()).violations.flatMap(rule =>
	  rule.nodes.map(node => rule.id + ': ' + node.html.slice(0, 120) + ' ' + node.failureSummary))`)
}
