// Package browser looks with a real Chromium at the status page of a running kinde-authz,
// plays the scenes of the playground of kinde-dev up, and asks an MCP server as a client in a
// page does.
package browser

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "write the pictures of pages in docs/pictures anew")

// pictures is where what the browser shows is left to be looked at.
const pictures = "../../.tools/browser"

// browser starts a Chromium, which ends with the test. Contexts made of the one that is
// returned are its tabs.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	if path == "" {
		t.Fatal("CHROMIUM is not set: make test-browser finds or installs one")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, end := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// seen is what a browser did and said while it showed a page.
type seen struct {
	mu       sync.Mutex
	requests []string
	says     []string
}

func (s *seen) listen(event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		s.requests = append(s.requests, event.Request.URL)
	case *runtime.EventConsoleAPICalled:
		s.says = append(s.says, fmt.Sprint(event.Args))
	case *runtime.EventExceptionThrown:
		s.says = append(s.says, event.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		s.says = append(s.says, event.Entry.Text)
	}
}

// faults looks at the page that is shown, as a person with little sight or a narrow phone
// would.
const faults = `(() => {
  const found = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push('it scrolls sideways: ' + root.scrollWidth);
  for (const e of document.querySelectorAll('body *'))
    if (e.getBoundingClientRect().right > root.clientWidth + 1) found.push('cut off: ' + e.outerHTML.slice(0, 80));
  if (document.querySelectorAll('h1').length !== 1) found.push('want one h1');
  if (!root.lang || !document.title) found.push('want a language and a title');
  for (const e of document.querySelectorAll('th')) if (!e.scope) found.push('th without scope: ' + e.textContent);
  for (const e of document.querySelectorAll('section')) {
    const name = document.getElementById(e.getAttribute('aria-labelledby'));
    if (!name || !/^H[1-6]$/.test(name.tagName)) found.push('section without a heading');
  }
  const light = c => { const [r, g, b] = c.match(/[\d.]+/g).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!c.startsWith('rgba')) return c; } return 'rgb(255, 255, 255)'; };
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((a, b) => b - a);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push('too little contrast: ' + e.outerHTML.slice(0, 80));
  }
  return found;
})()`

// prefers is a color scheme that the browser's user has chosen.
func prefers(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

// run returns what an action in the browser does.
func run[T any](ctx context.Context, t *testing.T, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// The page can be read on a phone and on a desk, by day and by night, and loads and runs
// nothing.
func TestStatusPage(t *testing.T) {
	s, window := serve(t), browser(t)
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"light", "dark"} {
		for name, width := range map[string]int64{"phone": 360, "desk": 1280} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				ctx, end := chromedp.NewContext(window)
				defer end()
				what := &seen{}
				if err := chromedp.Listen(ctx, what.listen); err != nil {
					t.Fatal(err)
				}
				run(ctx, t, chromedp.Steps(prefers(scheme), chromedp.EmulateViewport(width, 800),
					chromedp.Navigate(s.url), chromedp.WaitVisible("footer")))
				found := run(ctx, t, chromedp.Evaluate[[]string](faults))
				check(t, s, what, found, run(ctx, t, chromedp.Text("body")))
				picture := run(ctx, t, chromedp.FullScreenshot(100))
				keep(t, filepath.Join(pictures, name+"-"+scheme+".png"), picture)
				if *update && name == "desk" && scheme == "light" {
					keep(t, "../../docs/pictures/status.png", picture)
				}
			})
		}
	}
}

func check(t *testing.T, s *service, what *seen, found []string, text string) {
	t.Helper()
	if len(found) > 0 {
		t.Errorf("faults: %s", strings.Join(found, "\n"))
	}
	what.mu.Lock()
	defer what.mu.Unlock()
	others := slices.DeleteFunc(what.requests, func(url string) bool { return url == s.url || url == "data:," })
	if len(others) > 0 || len(what.says) > 0 {
		t.Errorf("it loads %q and says %q", others, what.says)
	}
	for _, want := range []string{
		"Serving", "1 of 2 issuers have usable keys", s.issuer, "http://127.0.0.1:1", "connection refused", "failed",
		"[token]", "unknown setting",
		"allowed", "missing_token", "no_route", "other paths: denied", "of 1024", "of 512 MiB", "of 100000 tokens",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q: %s", want, text)
		}
	}
	for _, secret := range s.secrets {
		if strings.Contains(text, secret) {
			t.Errorf("it says %q", secret)
		}
	}
}

func keep(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
