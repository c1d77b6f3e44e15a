package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

// What docs/upstreams.md shows is what is tested: each line of its code stands in the
// sample that the section is about, its settings are valid, and its commands make keys
// that the program reads.
func TestGuideForUpstreams(t *testing.T) {
	samples := map[string]string{
		"js":     readFile(t, "upstreams/express/server.js") + readFile(t, "upstreams/mastra/server.js"),
		"python": readFile(t, "upstreams/fastapi/server.py"), "go": readFile(t, "upstreams/nethttp/main.go"),
	}
	const nodeOfGuide, nodeOfSample = "Node.js 22.13 or newer", `"node": ">=22.13"`
	if !strings.Contains(readFile(t, "../docs/upstreams.md"), nodeOfGuide) ||
		!strings.Contains(readFile(t, "upstreams/mastra/package.json"), nodeOfSample) {
		t.Errorf("the guide should say %s, and the sample %s", nodeOfGuide, nodeOfSample)
	}
	dir := t.TempDir()
	for _, b := range blocks(t) {
		if b.document != "docs/upstreams.md" {
			continue
		}
		switch kind, text := b.language, b.text; kind {
		case "js", "python", "go":
			for line := range strings.Lines(text) {
				if !strings.Contains(samples[kind], line) {
					t.Errorf("not in the sample: %s", line)
				}
			}
		case "sh":
			if strings.HasPrefix(text, "openssl") {
				makeKeys(t, dir, text)
			}
		case "yaml":
			path := filepath.Join(dir, "authz.yaml")
			write(t, path, text)
			if code, out, faults := output(t, exec.Command(programs.Authz, "validate", path)); code != 0 {
				t.Errorf("%s%s", out, faults)
			}
		}
	}
}

// The commands of docs/upstreams.md put a service behind Envoy, on other ports, and end as it
// says.
func TestGuideToAServiceOfOnesOwn(t *testing.T) {
	commands := blocksOf(t, "docs/upstreams.md", "sh")
	port, admin := freePort(t), freePort(t)
	dir := shortDir(t)
	server := sampleUpstreams["net/http"](t, "", dir)
	in := func(script string, replacements ...string) *exec.Cmd {
		command := exec.Command("bash", "-euc", replaced(t, script, replacements...))
		command.Dir = ".."
		command.Env = append(os.Environ(), "ENVOY="+programs.Envoy)
		return command
	}
	var log process.Log
	serve := in(commands[0], ":9192", ":"+admin, "3000", port, "go run ./e2e/upstreams/nethttp", "exec "+server.Path)
	service := run(t, serve, &log)
	until(t, service, "its address", func() bool { return strings.Contains(log.String(), ":"+port+"\n") })

	u := &up{logs: dir}
	start := "exec " + kindeDev() + " up --port-base=0 --authz-admin-port=" + admin + " --logs=" + dir + " --upstream="
	up := in(commands[1], "3000", port, "make up UPSTREAM=", start)
	up.Stdout = &u.stdout
	u.Process = run(t, up, &u.stderr)
	u.waitReady(t)
	u.found(t, "(http://127.0.0.1:"+admin+"/jwks ASSERTION_AUDIENCE=http://agent.localhost\n)")
	asked := in(commands[2], "3000", port, "http://localhost:8080", u.found(t, `(?m)^Envoy: +(\S+),`),
		"bin/kinde-dev token", u.found(t, `\$\((\S+ token --issuer [^ )]+)`))
	code, answers, faults := output(t, asked)
	statuses := regexp.MustCompile(`(?m)^HTTP/1.1 (\d+)`).FindAllStringSubmatch(answers, -1)
	if code != 0 || len(statuses) != 2 || statuses[0][1] != "200" || statuses[1][1] != "401" ||
		!strings.Contains(answers, `"org":"org_acme"`) {
		t.Errorf("exit code %d\n%s%s", code, answers, faults)
	}
	u.interrupt(t)
}

// makeKeys runs commands that each write keys.pem, and has the program read it.
func makeKeys(t *testing.T, dir, commands string) {
	t.Helper()
	settings := filepath.Join(dir, "keys.yaml")
	write(t, settings, "assertion: {key_file: "+filepath.Join(dir, "keys.pem")+", audience: a}\n")
	for line := range strings.Lines(commands) {
		command := exec.CommandContext(t.Context(), "sh", "-ec", line)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
		code, out, faults := output(t, exec.Command(programs.Authz, "assertion-keys", "--config", settings))
		if code != 0 || strings.Count(out, `"kid"`) != 1 {
			t.Errorf("%s: %s%s", line, out, faults)
		}
	}
}
