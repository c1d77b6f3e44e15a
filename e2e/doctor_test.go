package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// tool runs a command of kinde-authz with a token, if any, on standard input.
func tool(t *testing.T, token string, args ...string) (code int, stdout string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), programs.Authz, args...)
	command.Stdin = strings.NewReader(token)
	code, stdout, stderr := output(t, command)
	if stderr != "" {
		t.Fatalf("%v: %s", args, stderr)
	}
	return code, stdout
}

// faultyEnvoy starts the Envoy of testdata. It returns the file that it was
// started with and the address of its admin port.
func faultyEnvoy(t *testing.T) (file, admin string) {
	t.Helper()
	routes, err := filepath.Abs("testdata/faulty-routes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile("testdata/faulty-envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, adminFile := filepath.Join(dir, "envoy.yaml"), filepath.Join(dir, "admin")
	write(t, file, strings.Replace(string(content), "path: ROUTES", "path: "+routes, 1))
	envoy := run(t, exec.Command(programs.Envoy, "-c", file, "--admin-address-path", adminFile, "--concurrency", "1",
		"--disable-hot-restart", "--log-level", "warning"), &process.Log{})
	until(t, envoy, "its configuration", func() bool {
		address, err := os.ReadFile(adminFile)
		if err != nil || len(address) == 0 {
			return false
		}
		admin = "http://" + string(address)
		response, err := http.Get(admin + "/ready")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		_, _ = io.Copy(io.Discard, response.Body)
		return response.StatusCode == http.StatusOK
	})
	return file, admin
}

// Each mistake of a real Envoy is told once, with the listener and the route.
// Its admin port hides the names of policies, which its file does not.
func TestDoctorFindsTheMistakesOfAnEnvoy(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	config := filepath.Join(t.TempDir(), "authz.yaml")
	write(t, config, fmt.Sprintf("issuers: [{domain: %q, audience: [a], allowed_orgs: [org_a]}]\ninsecure_http: true\n"+
		"policies: {run-agents: {permissions: [agents:run]}}\n", issuer.Issuer.URL))
	address, _ := alone(t, programs.Authz, "serve", "--config", config)
	eventually(t, "the keys are there", func() bool {
		return reasonFrom(t, address, issuer.Token(issuer.UserClaims())) != "keys_unavailable"
	})
	file, admin := faultyEnvoy(t)
	doctor := func(args ...string) (lines []string) {
		args = append([]string{"doctor", "--format", "json", "--config", config, "--address", address}, args...)
		code, out := tool(t, "", args...)
		var findings []struct{ Outcome, Check, Text string }
		if err := json.Unmarshal([]byte(out), &findings); err != nil || code != 1 {
			t.Fatalf("exit code %d, %v: %s", code, err, out)
		}
		for _, f := range findings {
			if f.Outcome != "ok" {
				lines = append(lines, fmt.Sprintf("%s %s: %s", f.Outcome, f.Check, f.Text))
			}
		}
		return lines
	}
	golden, err := os.ReadFile("testdata/faulty-envoy.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(golden)), "\n")
	both := doctor("--envoy-admin", admin, "--envoy-config", file)
	if diff := cmp.Diff(want, both); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var named, hidden int
	for _, line := range doctor("--envoy-admin", admin) {
		if strings.Contains(line, "names the policy") {
			named++
		}
		if strings.HasPrefix(line,
			`warning envoy listener "ingress": Envoy's admin port hides the names of policies in context_extensions, `+
				`so they are not checked, on virtual host "api", route "typo" of virtual host "api", `) {
			hidden++
		}
	}
	if named != 0 || hidden != 1 {
		t.Errorf("by the admin port alone: %d names, %d findings that names are hidden", named, hidden)
	}
}

// explain and doctor say when the running service has other settings than they,
// by the digest that it tells at each health check, also when it has read others.
func TestSettingsAreComparedWithThoseOfTheService(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	dir := t.TempDir()
	settings := func(rest string) string {
		return fmt.Sprintf("issuers: [{domain: %q, audience: [%q], allowed_orgs: [org_acme]}]\ninsecure_http: true\n%s",
			issuer.Issuer.URL, kindetest.Audience, rest)
	}
	served, same := filepath.Join(dir, "served.yaml"), filepath.Join(dir, "same.yaml")
	other := filepath.Join(dir, "other.yaml")
	write(t, served, settings("policies: {a: {roles: [x]}, default: {}}\n"))
	write(t, same, settings("policies: {default: {}, a: {roles: [x]}}\nlog: {level: error}\n"))
	write(t, other, settings("policies: {default: {roles: [nobody]}}\n"))
	socket := "unix:" + filepath.Join(dir, "authz.sock")
	alone(t, programs.Authz, "serve", "--config", served, "--listen", socket)
	token := issuer.Token(issuer.UserClaims())
	eventually(t, "the keys are there", func() bool { return reasonFrom(t, socket, token) == "allowed" })

	explain := func(config string) (code int, warnings []string) {
		code, out := tool(t, token, "explain", "--format", "json", "--config", config, "--address", socket)
		var explained struct{ Warnings []string }
		if err := json.Unmarshal([]byte(out), &explained); err != nil {
			t.Fatal(err)
		}
		return code, explained.Warnings
	}
	differs := func(warnings []string) bool {
		return len(warnings) == 1 && strings.HasPrefix(warnings[0], "service "+socket+": it has other settings (")
	}
	if code, warnings := explain(same); code != 0 || len(warnings) != 0 {
		t.Errorf("the same settings: exit code %d, %v", code, warnings)
	}
	if code, warnings := explain(other); code != 1 || !differs(warnings) {
		t.Errorf("other settings: exit code %d, %v", code, warnings)
	}
	_, out := tool(t, "", "doctor", "--config", other, "--address", socket)
	if want := "warning  service " + socket + ": it has other settings ("; !strings.Contains(out, want) {
		t.Errorf("doctor: %s", out)
	}
	code, out := tool(t, "", "doctor", "--config", same, "--address", socket)
	if want := "ok       service " + socket + ": its settings are these\n"; code != 0 || !strings.Contains(out, want) {
		t.Errorf("doctor: exit code %d: %s", code, out)
	}

	write(t, served, settings("policies: {default: {roles: [nobody]}}\n"))
	eventually(t, "the service tells of the settings that it has read", func() bool {
		code, warnings := explain(other)
		return code == 1 && len(warnings) == 0
	})
	if code, warnings := explain(same); code != 0 || !differs(warnings) {
		t.Errorf("the settings of before: exit code %d, %v", code, warnings)
	}
}
