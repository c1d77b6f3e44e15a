package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// whoever is an upstream that a developer has already: it answers with the headers it got.
func whoever(t *testing.T) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.Header.Write(w)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// found is what the pattern's group finds in what up prints.
func (u *up) found(t *testing.T, pattern string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(u.stdout.String())
	if match == nil {
		t.Fatalf("no %s in\n%s", pattern, u.stdout.String())
	}
	return match[1]
}

// curl runs the line that up prints below that heading, to a path.
func (u *up) curl(t *testing.T, heading, path string) (answer string) {
	t.Helper()
	line := strings.TrimSuffix(u.found(t, "(?m)^# "+regexp.QuoteMeta(heading)+".*\n(curl .*)$"), "/") + path
	command := exec.CommandContext(t.Context(), "sh", "-c", line)
	command.Dir = ".."
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return string(out)
}

// told is the body of an answer of 200.
func told(t *testing.T) func(*http.Response, error) string {
	t.Helper()
	return func(response *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("status %d, %v: %s", response.StatusCode, err, text)
		}
		return string(text)
	}
}

func wantAnswer(t *testing.T, answer, status string, holds ...string) {
	t.Helper()
	if !strings.HasPrefix(answer, "HTTP/1.1 "+status+" ") {
		t.Errorf("want %s, got\n%s", status, answer)
	}
	for _, text := range holds {
		if !strings.Contains(answer, text) {
			t.Errorf("no %q in\n%s", text, answer)
		}
	}
}

// One's own service behind Envoy gets identities and assertions, and is told where the
// keys of these are.
func TestUpWithAnUpstreamOfOnesOwn(t *testing.T) {
	upstream := whoever(t)
	u := startUp(t, "--upstream="+upstream)
	u.waitReady(t)
	answer := u.curl(t, "passes: a user with a forged header", "/any")
	wantAnswer(t, answer, "200", "X-Kinde-Actor: user\r\n", "X-Kinde-Org-Code: org_acme\r\n", "X-Kinde-Assertion: ey")
	if strings.Contains(answer, "kp_admin") {
		t.Errorf("the forged header arrived:\n%s", answer)
	}
	wantAnswer(t, u.curl(t, "401: an expired token", "/any"), "401", `"reason":"token_expired"`)
	wantAnswer(t, u.curl(t, "past Envoy: ", "/any"), "200", "X-Kinde-User-Id: kp_admin\r\n") // this one verifies nothing
	jwks := u.found(t, `ASSERTION_JWKS=(\S+) ASSERTION_AUDIENCE=http://agent\.localhost\n`)
	if keys := told(t)(http.Get(jwks)); !strings.Contains(keys, `"alg":"EdDSA"`) {
		t.Errorf("no key: %s", keys)
	}
	page := u.found(t, `Playground: +(\S+)`)
	request := strings.NewReader(`{"token":{"actor":"user"},"method":"GET","path":"/any"}`)
	shown := told(t)(http.Post(page+"/api/send", "application/json", request))
	if !strings.Contains(shown, `"reason":"allowed"`) || !strings.Contains(shown, `"upstream":null,"blind":true`) {
		t.Errorf("the playground tells what it cannot see: %s", shown)
	}
	if strings.Contains(u.stderr.String(), "agent") || strings.Contains(u.stdout.String(), "/mcp/weather") {
		t.Errorf("the sample agent is named:\n%s%s", u.stderr.String(), u.stdout.String())
	}
	u.assertToolsRun(t)
	u.interrupt(t)
}

// An upstream is found by a name, at the address at which it listens.
func TestUpFindsAnUpstream(t *testing.T) {
	t.Run("localhost", func(t *testing.T) {
		u := startUp(t, "--upstream=localhost:"+portOf(whoever(t)))
		u.waitReady(t)
		wantAnswer(t, u.curl(t, "passes: a user with a forged header", "/any"), "200", "X-Kinde-Actor: user\r\n")
		u.interrupt(t)
	})
	t.Run("nobody", func(t *testing.T) {
		u := startUp(t, "--upstream=localhost:"+freePort(t))
		u.waitReady(t)
		if !strings.Contains(u.stderr.String(), "warning: nothing listens on the upstream localhost:") {
			t.Errorf("it does not warn:\n%s", u.stderr.String())
		}
		wantAnswer(t, u.curl(t, "passes: a user with a forged header", "/any"), "503")
		u.interrupt(t)
	})
}

// issuerAt are settings that name the local issuer.
func issuerAt(port string) string {
	return fmt.Sprintf("insecure_http: true\nissuers: [{domain: %q, audience: [%s]}]\n", "http://localhost:"+port,
		kindetest.Audience)
}

// One's own settings decide, and the file is what it was, until it is edited.
func TestUpWithSettingsOfOnesOwn(t *testing.T) {
	port := freePort(t)
	path := filepath.Join(shortDir(t), "own.yaml")
	issuer := issuerAt(port)
	text := issuer + "policies: {default: {permissions: [nobody:has]}}\nroutes: [{path: /open, public: true}]\n"
	write(t, path, text)
	u := startUp(t, "--settings="+path, "--upstream="+whoever(t), "--issuer-port="+port)
	u.waitReady(t)
	if strings.Contains(u.stderr.String(), "warning") {
		t.Errorf("it warns:\n%s", u.stderr.String())
	}
	u.found(t, "(?m)^(Upstream: .*, without assertions: the settings have none)$")
	u.found(t, "(?m)settings in ("+regexp.QuoteMeta(path)+")$")
	wantAnswer(t, u.curl(t, "no token", "/open"), "200")
	wantAnswer(t, u.curl(t, "a user, and", "/any"), "403", `"reason":"missing_permission"`)
	if got := readFile(t, path); got != text {
		t.Errorf("the file was written:\n%s", got)
	}

	write(t, path, issuer)
	eventually(t, "the edited file decides", func() bool {
		return strings.HasPrefix(u.curl(t, "a user, and", "/any"), "HTTP/1.1 200 ")
	})
	wantAnswer(t, u.curl(t, "no token", "/open"), "401", `"reason":"missing_token"`)
	u.assertToolsRun(t)
	u.interrupt(t)
}

// Saving in the playground keeps the mode of the file, and the link to it.
func TestPlaygroundSavesSettingsOfOnesOwn(t *testing.T) {
	port := freePort(t)
	dir := shortDir(t)
	real, link := filepath.Join(dir, "real.yaml"), filepath.Join(dir, "own.yaml")
	text := issuerAt(port)
	write(t, real, text)
	if err := errors.Join(os.Chmod(real, 0o640), os.Symlink("real.yaml", link)); err != nil {
		t.Fatal(err)
	}
	u := startUp(t, "--settings="+link, "--issuer-port="+port)
	u.waitReady(t)
	if strings.Contains(u.stdout.String(), "past Envoy") {
		t.Errorf("it tells that the agent refuses who comes round Envoy, without assertions:\n%s", u.stdout.String())
	}
	wantAnswer(t, u.curl(t, "a user, and", ""), "200", `"x-kinde-org-code":["org_acme"]`)
	page := u.found(t, `Playground: +(\S+)`)
	start := told(t)(http.Get(page + "/api/start"))
	if want := fmt.Sprintf(`"settings_path":%q`, link); !strings.Contains(start, want) {
		t.Errorf("the page does not say %s: %s", want, start)
	}
	closed := text + "policies: {default: {roles: [nobody]}}\n"
	change := strings.NewReader(fmt.Sprintf(`{"text":%q,"save":true}`, closed))
	said := told(t)(http.Post(page+"/api/settings", "application/json", change))
	if !strings.Contains(said, "Saved, and read again.") {
		t.Errorf("it is not saved: %s", said)
	}
	info, err := os.Stat(real)
	if err != nil || info.Mode().Perm() != 0o640 || readFile(t, real) != closed {
		t.Errorf("%v, %v:\n%s", err, info.Mode(), readFile(t, real))
	}
	if target, err := os.Readlink(link); err != nil || target != "real.yaml" {
		t.Errorf("the link is %q, %v", target, err)
	}
	wantAnswer(t, u.curl(t, "a user, and", ""), "403", `"reason":"missing_role"`)
	u.interrupt(t)
}

// Settings that do not name the local issuer are warned of, with what to add; then it works.
func TestUpWarnsOfSettingsForAnotherIssuer(t *testing.T) {
	path := filepath.Join(shortDir(t), "own.yaml")
	const other = "issuers:\n  - {domain: https://yourapp.kinde.com, audience: [a], allowed_orgs: [b]}\n"
	write(t, path, other)
	u := startUp(t, "--settings="+path)
	u.waitReady(t)
	warning := regexp.MustCompile(`(?m)^warning: ` + regexp.QuoteMeta(path) +
		`: it does not name the issuer of this stack.* Add below issuers:\n(  - \{domain: "http://localhost:\d+".*\}\n)` +
		`warning: .*: it allows no issuer without TLS.* Add:\n(insecure_http: true\n)`)
	match := warning.FindStringSubmatch(u.stderr.String())
	if match == nil {
		t.Fatalf("no %s in\n%s", warning, u.stderr.String())
	}
	write(t, path, other+match[1]+match[2])
	eventually(t, "what was told to add lets the stack's tokens pass", func() bool {
		return strings.HasPrefix(u.curl(t, "a user, and", ""), "HTTP/1.1 200 ")
	})
	u.interrupt(t)
}

// Settings without issuers start no service, and it is told what to add.
func TestUpNeedsAnIssuerInTheSettings(t *testing.T) {
	path := filepath.Join(shortDir(t), "own.yaml")
	write(t, path, "routes: [{path: /open, public: true}]\n")
	u := startUp(t, "--settings="+path)
	ends(t, u.Process, 1, 40*time.Second)
	warning := "warning: " + path + ": it names no issuer"
	for _, want := range []string{warning, "\nissuers: [{domain: ", "lists no issuers"} {
		if !strings.Contains(u.stderr.String(), want) {
			t.Errorf("no %q in\n%s", want, u.stderr.String())
		}
	}
}
