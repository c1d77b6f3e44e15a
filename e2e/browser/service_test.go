package browser

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// service is a running kinde-authz with something to tell.
type service struct {
	url     string // of the page
	issuer  string
	secrets []string // which no page may hold
}

// serve starts a service with an issuer that answers and one that does not, has it decide,
// and breaks its settings. It ends with the test.
func serve(t *testing.T) *service {
	t.Helper()
	issuer := kindetest.NewServer()
	t.Cleanup(issuer.Close)
	dir := t.TempDir()
	program, config := built(t), filepath.Join(dir, "authz.yaml")
	settings := fmt.Sprintf("issuers: [{domain: %q}, {domain: 'http://127.0.0.1:1'}]\n"+
		"policies: {run-agents: {permissions: [agents:run]}}\nroutes:\n"+
		"  - {path: /healthz, public: true}\n  - {path: /api/**}\n  - {path: /run/**, policy: run-agents}\n",
		issuer.Issuer.URL)
	keep(t, config, []byte(settings))
	log := &process.Log{}
	command := exec.Command(program, "--config", filepath.Base(config), "--insecure-http", "--drain-delay=0s",
		"--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0")
	command.Dir = dir
	p, err := process.Start(command, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	ports := portsOf(t, p, log)
	s := &service{url: "http://" + ports.Admin + "/", issuer: issuer.Issuer.URL}
	until(t, p, "the keys are there", func() bool { return s.ask(t, "readyz") == http.StatusOK })
	token := issuer.Token(issuer.UserClaims())
	s.secrets = []string{token, token[:40], kindetest.UserID}
	decide(t, ports.GRPC, token)
	keep(t, config, []byte(settings+token+": 1\n"))
	until(t, p, "the broken settings are read", func() bool { return strings.Contains(log.String(), "reload failed") })
	return s
}

// built builds kinde-authz, and returns the path of the program.
func built(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "kinde-authz")
	build := exec.Command("go", "build", "-o", program, "./cmd/kinde-authz")
	build.Dir = "../.."
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return program
}

type ports struct {
	GRPC  string `json:"listen"`
	Admin string `json:"admin_listen"`
}

// portsOf reads the log for where a service listens.
func portsOf(t *testing.T, p *process.Process, log *process.Log) (found ports) {
	t.Helper()
	until(t, p, "its ports", func() bool {
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, `"msg":"serving"`) {
				return json.Unmarshal([]byte(line), &found) == nil
			}
		}
		return false
	})
	return found
}

func until(t *testing.T, p *process.Process, what string, met func() bool) {
	t.Helper()
	if err := p.Until(t.Context(), what, met); err != nil {
		t.Fatal(err)
	}
}

// ask returns the status of a path of the admin port.
func (s *service) ask(t *testing.T, path string) int {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(s.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// decide asks for decisions with several reasons.
func decide(t *testing.T, address, token string) {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for path, bearer := range map[string]string{
		"/api/a": token, "/api/b": token, "/healthz": "", "/api/c": "none.of.this", "/other": token, "/run/a": token,
	} {
		request := envoytest.Get(path).Bearer(bearer).InList()
		if _, err := authv3.NewAuthorizationClient(conn).Check(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := authv3.NewAuthorizationClient(conn).Check(t.Context(), envoytest.Get("/api/d").InList()); err != nil {
		t.Fatal(err)
	}
}
