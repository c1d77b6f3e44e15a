package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

// clientPage asks an MCP server as a client in a browser does, and shows what it could
// read: a message, a stream, and the document that their challenges name.
const clientPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>An MCP client in a browser</title>
<style>body { font: 16px sans-serif; margin: 2rem } td, th { text-align: left; padding: .4rem; vertical-align: top }
td { font: 14px monospace; max-width: 40rem; overflow-wrap: anywhere } td:first-child { white-space: nowrap }</style>
<h1>An MCP client in a browser</h1>
<p>This page is of <code id="origin"></code> and asks <code id="server"></code>.</p>
<table><tr><th scope="col">Asked<th scope="col">Status<th scope="col">WWW-Authenticate<th scope="col">Body</table>
<script>
const server = new URLSearchParams(location.search).get('server'), version = {'mcp-protocol-version': '2025-11-25'};
document.getElementById('origin').textContent = location.origin;
document.getElementById('server').textContent = server;
const read = {};
async function ask(what, address, init) {
  let got = {status: 0, challenge: '', body: 'the browser lets no page of this origin read it'};
  try {
    const response = await fetch(address, init);
    const challenge = response.headers.get('www-authenticate') ?? '';
    got = {status: response.status, challenge, body: await response.text()};
  } catch (e) {}
  const row = document.querySelector('table').insertRow();
  for (const text of [what, got.status || '', got.challenge, got.body]) row.insertCell().textContent = text;
  read[what] = got;
  return got;
}
async function login() {
  const headers = {...version, 'content-type': 'application/json'};
  const message = await ask('message', server, {method: 'POST', headers,
    body: '{"jsonrpc":"2.0","id":1,"method":"initialize"}'});
  const stream = await ask('stream', server, {headers: {accept: 'text/event-stream'}});
  const named = (message.challenge || stream.challenge).match(/resource_metadata="([^"]*)"/);
  if (named) await ask('document', named[1], {headers: version});
  return JSON.stringify(read);
}
const done = login();
</script>
`

// could is what a page could read of an answer; without a status, nothing.
type could struct {
	Status    int    `json:"status"`
	Challenge string `json:"challenge"`
	Body      string `json:"body"`
}

// discoverable is a stack whose MCP server is a resource, and whose Envoy lets pages of
// the origin call.
func discoverable(t *testing.T, origin string) *stack.Stack {
	t.Helper()
	envoy, err := stack.FindEnvoy("../..")
	if err != nil {
		t.Fatal(err)
	}
	own := e2etest.Edit{`exact: "http://localhost:3000"`, fmt.Sprintf("exact: %q", origin)}
	s, err := stack.Start(t.Context(), stack.Config{
		Authz: built(t), Envoy: envoy, EnvoyConfig: e2etest.EditedFile(t, "../../envoy.yaml", own),
		Settings: stack.SampleSettings, Discoverable: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// A client in a page finds out where to log in: it can read the challenge of what it may
// send, and the document, whatever its origin. Only what Envoy's CORS policy lets its
// origin send gets an answer.
func TestAPageFindsOutWhereToLogIn(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, clientPage) })
	listed, stranger := httptest.NewServer(page), httptest.NewServer(page)
	t.Cleanup(listed.Close)
	t.Cleanup(stranger.Close)
	s, window := discoverable(t, listed.URL), browser(t)
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		t.Fatal(err)
	}
	server := s.URL + agent.MCPPath
	document := s.URL + "/.well-known/oauth-protected-resource" + agent.MCPPath
	for name, row := range map[string]struct {
		page    *httptest.Server
		message int
	}{"listed": {listed, 401}, "stranger": {stranger, 0}} {
		t.Run(name, func(t *testing.T) {
			ctx, end := chromedp.NewContext(window)
			defer end()
			if err := chromedp.Do(ctx); err != nil { // it opens the tab, which would else end with the first action
				t.Fatal(err)
			}
			run(ctx, t, chromedp.Steps(chromedp.EmulateViewport(1280, 600), chromedp.Navigate(row.page.URL+"/?server="+server)))
			var read map[string]could
			text := run(ctx, t, chromedp.Evaluate[string]("done", chromedp.EvalAwaitPromise))
			if err := json.Unmarshal([]byte(text), &read); err != nil {
				t.Fatal(err)
			}
			keep(t, filepath.Join(pictures, "mcp-"+name+".png"), run(ctx, t, chromedp.FullScreenshot(100)))
			for what, status := range map[string]int{"message": row.message, "stream": 401} {
				got := read[what]
				if got.Status != status || status != 0 && (!strings.Contains(got.Challenge, `resource_metadata="`+document+`"`) ||
					!strings.Contains(got.Body, `"reason":"missing_token"`)) {
					t.Errorf("%s: %+v, want %d", what, got, status)
				}
			}
			var described struct {
				Resource string   `json:"resource"`
				Servers  []string `json:"authorization_servers"`
			}
			if err := json.Unmarshal([]byte(read["document"].Body), &described); err != nil || described.Resource != server ||
				len(described.Servers) != 1 || described.Servers[0] != s.Issuer.URL {
				t.Errorf("document: %+v, %v", read["document"], err)
			}
		})
	}
}
