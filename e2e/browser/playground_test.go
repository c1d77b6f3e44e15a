package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

// sent is what the page shows of a request.
type sent struct {
	Verdict, Text, Curl, Case string
	Arrived                   map[string]string // headers, by name
}

// play chooses a scene, where one is named, and presses the button.
const play = `async name => {
  const byID = id => document.getElementById(id);
  if (name !== '') {
    byID('scene').value = [...byID('scene').options].find(option => option.text === name).value;
    byID('scene').dispatchEvent(new Event('change'));
  }
  byID('verdict').textContent = '';
  byID('send').click();
  while (byID('send').disabled || byID('verdict').textContent === '') await new Promise(done => setTimeout(done, 20));
  const arrived = {};
  for (const row of document.querySelectorAll('#upstream tbody tr'))
    arrived[row.cells[0].textContent] = row.cells[2].textContent;
  return { Verdict: byID('verdict').textContent, Text: byID('result').textContent, Arrived: arrived,
    Curl: document.querySelector('#curl pre')?.textContent || '',
    Case: document.querySelector('#case pre')?.textContent || '' };
}`

// press presses a button, and returns what the page then says in an element.
const press = `async (button, says) => {
  const element = document.getElementById(says);
  while (document.querySelector(button).disabled) await new Promise(done => setTimeout(done, 20));
  element.textContent = '…';
  document.querySelector(button).click();
  while (element.textContent === '…') await new Promise(done => setTimeout(done, 20));
  return element.textContent;
}`

// Every scene of the README is played from the page, and what it offers to copy does the
// same.
func TestPlaygroundPlaysEveryScene(t *testing.T) {
	u := startUp(t)
	ctx := u.open(t, browser(t))
	for _, scene := range stack.Scenes {
		t.Run(scene.Name, func(t *testing.T) {
			got := promise[sent](ctx, t, play, scene.Name)
			reason := scene.Reason
			if reason == "" {
				reason = "allowed"
			}
			want := fmt.Sprintf("%d %s %s", scene.Status, http.StatusText(scene.Status), reason)
			if !strings.HasPrefix(got.Verdict, want) {
				t.Errorf("it says %q, want %q", got.Verdict, want)
			}
			for name, forged := range scene.Headers {
				if arrived := got.Arrived[strings.ToLower(name)]; arrived == forged || arrived == "" {
					t.Errorf("%s: %q arrived", name, arrived)
				}
			}
			for _, want := range []string{"How it was decided", "credentials", `"decision_id":`, "ms for the decision"} {
				if !strings.Contains(got.Text, want) {
					t.Errorf("it does not tell %q: %s", want, got.Text)
				}
			}
			if signed := reason != "bad_signature"; signed != (got.Case != "") {
				t.Errorf("case: %q", got.Case)
			} else if signed {
				u.assertCase(t, got.Case)
			}
			command := exec.CommandContext(t.Context(), "sh", "-c", got.Curl)
			command.Dir = "../.."
			answer, err := command.Output()
			if err != nil || !strings.HasPrefix(string(answer), fmt.Sprintf("HTTP/1.1 %d ", scene.Status)) {
				t.Errorf("%s: %v\n%s", got.Curl, err, answer)
			}
		})
	}
	promise[bool](ctx, t, `async want => { // of the page, and those of curl
	  while (document.querySelectorAll('#list li').length !== want) await new Promise(done => setTimeout(done, 20));
	  return true;
	}`, 2*len(stack.Scenes))
}

// assertCase has kinde-authz test run a case beside the settings.
func (u *up) assertCase(t *testing.T, text string) {
	t.Helper()
	file := filepath.Join(pictures, "up", "case.yaml")
	keep(t, file, []byte(text))
	command := exec.CommandContext(t.Context(), filepath.Join(u.dir, "kinde-authz"), "test", file)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v: %s\n%s", err, out, text)
	}
}

// The reader of the page breaks things, and the next request tells.
func TestPlaygroundBreaksThings(t *testing.T) {
	u := startUp(t)
	ctx := u.open(t, browser(t))
	assertSent := func(want string) {
		t.Helper()
		if got := promise[sent](ctx, t, play, ""); !strings.Contains(got.Verdict, want) {
			t.Errorf("it says %q, want %q", got.Verdict, want)
		}
	}
	breakIt := func(what, want string) {
		t.Helper()
		if says := promise[string](ctx, t, press, `[data-what="`+what+`"]`, "broke"); !strings.Contains(says, want) {
			t.Errorf("%s: it says %q, want %q", what, says, want)
		}
	}
	assertSent("200 OK allowed")
	breakIt("rotate", "A new key signs")
	assertSent("200 OK allowed")
	breakIt("kill", "is dead")
	assertSent("503 Service Unavailable Envoy got no answer from kinde-authz")
	breakIt("issuer-down", "answers 503")
	breakIt("start", "runs")
	assertSent("503 Service Unavailable keys_unavailable")
	breakIt("issuer-up", "answers again")
	breakIt("kill", "is dead")
	breakIt("start", "runs")
	assertSent("200 OK allowed")
}

// The settings are checked by the service's own code, and are in use once they are saved.
func TestPlaygroundEditsSettings(t *testing.T) {
	u := startUp(t)
	ctx := u.open(t, browser(t))
	change := func(from, to, button, want string) {
		t.Helper()
		promise[bool](ctx, t, `async (from, to) => {
		  const field = document.getElementById('settings');
		  field.value = field.value.replace(from, to);
		  return true;
		}`, from, to)
		if says := promise[string](ctx, t, press, button, "settings-says"); !strings.Contains(says, want) {
			t.Errorf("it says %q, want %q", says, want)
		}
	}
	change("allowed_orgs", "allowed_org", "#check",
		`kinde-authz.yaml: [6:5] allowed_org: unknown setting: did you mean "allowed_orgs"?`)
	change("allowed_org:", "allowed_orgs:", "#check", "valid: ")
	change("org_acme, ", "", "#save", "Saved, and read again.")
	if got := promise[sent](ctx, t, play, ""); !strings.Contains(got.Verdict, "403 Forbidden org_not_allowed") {
		t.Errorf("it says %q", got.Verdict)
	}
	promise[bool](ctx, t, `async () => { document.getElementById('revert').click(); return true; }`)
	change("", "", "#save", "Saved, and read again.")
	if got := promise[sent](ctx, t, play, ""); !strings.Contains(got.Verdict, "200 OK") {
		t.Errorf("it says %q", got.Verdict)
	}
}

// The page can be read on a phone and on a desk, by day and by night, and worked with by
// the keyboard.
func TestPlaygroundLooks(t *testing.T) {
	u, window := startUp(t), browser(t)
	for _, scheme := range []string{"light", "dark"} {
		for name, width := range map[string]int64{"narrow": 360, "wide": 1280} {
			top := map[string]string{"narrow": "#answer", "wide": "h1"}[name]
			t.Run(name+" "+scheme, func(t *testing.T) {
				ctx := u.open(t, window, prefers(scheme), chromedp.EmulateViewport(width, 800))
				promise[sent](ctx, t, play, "an MCP tool that deletes")
				promise[sent](ctx, t, play, "a user with forged identity headers")
				if found := append(run(ctx, t, chromedp.Evaluate[[]string](faults)), axe(ctx, t)...); len(found) > 0 {
					t.Errorf("faults: %s", strings.Join(found, "\n"))
				}
				file := "playground-" + name + "-" + scheme + ".png"
				keep(t, filepath.Join(pictures, file), run(ctx, t, chromedp.FullScreenshot(100)))
				if *update {
					run(ctx, t, chromedp.EmulateViewport(width, 1280))
					run(ctx, t, chromedp.Evaluate[bool](
						fmt.Sprintf(`(document.querySelector(%q).scrollIntoView(), true)`, top)))
					keep(t, filepath.Join("../../docs/pictures", file), run(ctx, t, chromedp.CaptureScreenshot()))
				}
			})
		}
	}
	t.Run("keyboard", func(t *testing.T) {
		ctx := u.open(t, window)
		for range 2 { // to the scenes, then down to the second
			run(ctx, t, chromedp.KeyEvent("\t"))
			if run(ctx, t, chromedp.Evaluate[string](`document.activeElement.id`)) == "scene" {
				break
			}
		}
		run(ctx, t, chromedp.KeyEvent("no token"))
		run(ctx, t, chromedp.KeyEvent("\r", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
		promise[bool](ctx, t, `async () => {
		  while (!document.getElementById('verdict').textContent.startsWith('401 Unauthorized missing_token'))
		    await new Promise(done => setTimeout(done, 20));
		  return true;
		}`)
	})
}

// hostile is what another page in the same browser can try.
const hostile = `async url => {
  const tries = [
    fetch(url + '/api/start'), fetch(url + '/api/start', { mode: 'no-cors' }),
    fetch(url + '/api/break', { method: 'POST', body: '{"what":"kill"}', mode: 'no-cors' }),
    fetch(url + '/api/break', { method: 'POST', body: '{"what":"kill"}',
      headers: { 'content-type': 'application/json' } }),
  ];
  return (await Promise.allSettled(tries)).map(one => one.status === 'rejected' ? 'refused' : one.value.type);
}`

func TestPlaygroundObeysNoOtherPage(t *testing.T) {
	u, window := startUp(t), browser(t)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<!doctype html><title>another page</title>")
	}))
	defer other.Close()
	ctx, end := chromedp.NewContext(window)
	defer end()
	if err := chromedp.Do(ctx); err != nil { // the tab is as old as its first context
		t.Fatal(err)
	}
	run(ctx, t, chromedp.Navigate(other.URL))
	tried := promise[[]string](ctx, t, hostile, u.url)
	if got := strings.Join(tried, " "); got != "refused refused refused refused" {
		t.Errorf("it got %s", got)
	}
	assertAlive(t, u.open(t, window))
}

func assertAlive(t *testing.T, ctx context.Context) {
	t.Helper()
	if got := promise[sent](ctx, t, play, ""); !strings.Contains(got.Verdict, "200 OK") {
		t.Errorf("kinde-authz is gone: %q", got.Verdict)
	}
}
