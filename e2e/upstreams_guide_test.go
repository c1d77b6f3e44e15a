package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
			makeKeys(t, dir, text)
		case "yaml":
			path := filepath.Join(dir, "authz.yaml")
			write(t, path, text)
			if code, out, faults := output(t, exec.Command(programs.Authz, "validate", path)); code != 0 {
				t.Errorf("%s%s", out, faults)
			}
		}
	}
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
