package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

// up is a running kinde-dev up.
type up struct {
	*process.Process
	stdout, stderr process.Log
	logs           string
}

// startUp runs the built kinde-dev up on ports of the kernel's choice.
func startUp(t *testing.T, args ...string) *up {
	t.Helper()
	u := &up{logs: shortDir(t)}
	command := exec.Command(kindeDev(), append([]string{"up", "--port-base=0", "--logs", u.logs}, args...)...)
	command.Dir = ".."
	command.Env = append(os.Environ(), "ENVOY="+programs.Envoy, "KINDE_AUTHZ_CONFIG=/nonexistent")
	command.Stdout = &u.stdout
	u.Process = run(t, command, &u.stderr)
	return u
}

// shortDir is a folder of the test's with a short name, for lines that are measured.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "up-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// waitReady waits for the last line of what it prints.
func (u *up) waitReady(t *testing.T) {
	t.Helper()
	until(t, u.Process, "its last line", func() bool { return strings.Contains(u.stdout.String(), "Ctrl-C") })
}

// interrupt is a Ctrl-C.
func (u *up) interrupt(t *testing.T) {
	t.Helper()
	if err := u.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	ends(t, u.Process, 0, 40*time.Second)
}

func kindeDev() string { return filepath.Join(filepath.Dir(programs.Authz), "kinde-dev") }

// printed finds each request that up prints, and the status told for it.
var printed = regexp.MustCompile(`(?m)^# (\d{3})[^:]*: (.*)\n(curl .*)$`)

func TestUpPrintsRequestsThatWork(t *testing.T) {
	u := startUp(t)
	u.waitReady(t)
	requests := printed.FindAllStringSubmatch(u.stdout.String(), -1)
	if len(requests) != 9 || strings.Count(u.stdout.String(), "curl") != len(requests) {
		t.Errorf("%d requests, want 9:\n%s", len(requests), u.stdout.String())
	}
	for _, request := range requests {
		want, says, line := request[1], request[2], request[3]
		command := exec.CommandContext(t.Context(), "sh", "-c", line)
		command.Dir = ".."
		answer, err := command.Output()
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 "+want+" ") {
			t.Errorf("%s: want %s, got %v and\n%s", says, want, err, answer)
		}
		if strings.Contains(string(answer), "kp_admin") {
			t.Errorf("%s: the forged header arrived", says)
		}
	}
	const want = "/mcp/weather, for clients with any client ID that log in with audience="
	if !strings.Contains(u.stdout.String(), want) {
		t.Errorf("it does not say %q:\n%s", want, u.stdout.String())
	}
	u.assertToolsRun(t)
	u.assertDenialsShown(t)
	through := len(requests) - 1 // the last one goes past Envoy
	u.assertLogs(t, through)
	u.interrupt(t)
	u.assertLogs(t, through) // they survive
	for _, address := range regexp.MustCompile(`(?:localhost|127\.0\.0\.1):\d+`).FindAllString(u.stdout.String(), -1) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Errorf("something still listens on %s", address)
		}
	}
}

// tools finds the lines of explain and doctor that up prints.
var tools = regexp.MustCompile(`(?m)^# (explain|doctor): .*\n(.* (?:explain|doctor) .*)$`)

// assertToolsRun runs the lines of explain and doctor as they are printed: nothing is wrong,
// and the service has the same settings. No line is a wall.
func (u *up) assertToolsRun(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(u.stdout.String()) {
		if len(line) > 250 {
			t.Errorf("a wall of %d characters: %s", len(line), line)
		}
	}
	wants := map[string]string{"explain": "\nallow     allowed\n", "doctor": ": its settings are these\n"}
	lines := tools.FindAllStringSubmatch(u.stdout.String(), -1)
	if len(lines) != len(wants) {
		t.Errorf("%d lines of tools, want %d:\n%s", len(lines), len(wants), u.stdout.String())
	}
	for _, line := range lines {
		command := exec.CommandContext(t.Context(), "sh", "-c", line[2])
		command.Dir = ".."
		code, stdout, stderr := output(t, command)
		if code != 0 || stderr != "" || !strings.Contains(stdout, wants[line[1]]) || strings.Contains(stdout, "warning") {
			t.Errorf("%s: exit code %d\n%s%s", line[2], code, stdout, stderr)
		}
	}
}

// assertDenialsShown looks for each denial, in the order of the requests.
func (u *up) assertDenialsShown(t *testing.T) {
	t.Helper()
	wants := []string{
		`401 missing_token        GET /api/agents/weather  -> the client sent no Authorization`,
		`401 token_expired        GET /api/agents/weather  -> the client must refresh its token;`,
		`401 not_an_access_token  GET /api/agents/weather  -> the client sends its ID token`,
		`401 wrong_audience       GET /api/agents/weather  user of org_acme  -> the client must request this API`,
		`403 org_not_allowed      GET /api/agents/weather  user of org_other  -> `,
	}
	denied := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d  (\d.*)$`)
	eventually(t, "the denials are shown", func() bool {
		return len(denied.FindAllString(u.stderr.String(), -1)) >= len(wants)
	})
	shown := denied.FindAllStringSubmatch(u.stderr.String(), -1)
	if len(shown) != len(wants) {
		t.Errorf("%d denials, want %d:\n%s", len(shown), len(wants), u.stderr.String())
	}
	for n, line := range shown {
		if n < len(wants) && !strings.HasPrefix(line[1], wants[n]) {
			t.Errorf("denial %q, want it to begin with %q", line[1], wants[n])
		}
	}
}

// assertLogs looks for a line a request in each of the files that up names.
func (u *up) assertLogs(t *testing.T, requests int) {
	t.Helper()
	for name, mark := range map[string]string{"kinde-authz.log": `"msg":"decision"`, "envoy.log": `"decision_id":`} {
		path := filepath.Join(u.logs, name)
		if !strings.Contains(u.stdout.String(), path) {
			t.Errorf("it does not name %s", path)
		}
		eventually(t, name+" has all requests", func() bool {
			log, err := os.ReadFile(path)
			return err == nil && bytes.Count(log, []byte(mark)) == requests
		})
	}
}

func TestUpEndsWhileItStarts(t *testing.T) {
	for _, step := range []string{"starting the issuer", "starting kinde-authz", "starting Envoy", "waiting for Envoy"} {
		t.Run(step, func(t *testing.T) {
			u := startUp(t)
			until(t, u.Process, step, func() bool { return strings.Contains(u.stderr.String(), step) })
			u.interrupt(t)
		})
	}
}

// Every busy port is named, with what moves it, and make knows the variables.
func TestUpNamesEveryBusyPort(t *testing.T) {
	names := []string{"port", "envoy-admin-port", "issuer-port", "agent-port", "authz-port", "authz-admin-port",
		"playground-port"}
	args := []string{"up"}
	var wants []string
	for n, name := range names {
		listener, err := net.Listen("tcp", []string{"127.0.0.1:0", "0.0.0.0:0", "[::]:0"}[n%3])
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		port := listener.Addr().(*net.TCPAddr).Port
		args = append(args, fmt.Sprintf("--%s=%d", name, port))
		variable := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		wants = append(wants, fmt.Sprintf(`(?m)^  %d  .*--%s N \(make up %s=N\)$`, port, name, variable))
	}
	command := exec.CommandContext(t.Context(), kindeDev(), args...)
	command.Dir = ".."
	command.Env = append(os.Environ(), "ENVOY="+programs.Envoy)
	code, _, stderr := output(t, command)
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range append(wants, `--port-base N \(make up PORT_BASE=N\)`) {
		if !regexp.MustCompile(want).MatchString(stderr) {
			t.Errorf("no %s in\n%s", want, stderr)
		}
	}
}

func TestMakeUpMovesPorts(t *testing.T) {
	variables := []string{
		"PORT_BASE", "PORT", "ENVOY_ADMIN_PORT", "ISSUER_PORT", "AGENT_PORT", "AUTHZ_PORT", "AUTHZ_ADMIN_PORT",
		"PLAYGROUND_PORT",
	}
	help, err := exec.CommandContext(t.Context(), "make", "-C", "..", "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	for n, variable := range variables {
		value := strconv.Itoa(18080 + n)
		out, err := exec.CommandContext(t.Context(), "make", "-C", "..", "-n", "up", variable+"="+value).Output()
		want := "bin/kinde-dev up --" + strings.ToLower(strings.ReplaceAll(variable, "_", "-")) + "=" + value + "\n"
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: want %q, got %v and\n%s", variable, want, err, out)
		}
		if !regexp.MustCompile(`\b` + variable + `\b`).Match(help) {
			t.Errorf("make help does not name %s", variable)
		}
	}
	out, err := exec.CommandContext(t.Context(), "make", "-C", "..", "-n", "up", "UPSTREAM=h:1", "CONFIG=a b").Output()
	if want := "bin/kinde-dev up --upstream='h:1' --settings='a b'\n"; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("want %q, got %v and\n%s", want, err, out)
	}
	for _, variable := range []string{"UPSTREAM", "CONFIG"} {
		if !regexp.MustCompile(`\b` + variable + `\b`).Match(help) {
			t.Errorf("make help does not name %s", variable)
		}
	}
}
