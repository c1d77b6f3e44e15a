//go:build deploy

package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

// startRateLimit starts the service that $RATELIMIT names with the Redis that $REDIS
// names and deploy/envoy/ratelimit.yaml, in which an organization without an entry of
// its own gets two requests a day.
func startRateLimit(t *testing.T) (grpcPort string, service *process.Process) {
	t.Helper()
	dir, err := os.MkdirTemp("", "kinde") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	redis, root := filepath.Join(dir, "redis"), filepath.Join(dir, "limits", "config")
	stored := exec.Command(os.Getenv("REDIS"), "--port", "0", "--unixsocket", redis, "--save", "", "--dir", dir)
	until(t, run(t, stored, new(process.Log)), "its socket", func() bool {
		conn, err := net.Dial("unix", redis)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	limits, err := os.ReadFile(editedFile(t, "deploy/envoy/ratelimit.yaml",
		edit{"{unit: minute, requests_per_unit: 3000}", "{unit: day, requests_per_unit: 2}"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "ratelimit.yaml"), string(limits))
	grpcPort, httpPort := freePort(t), freePort(t)
	command := exec.Command(os.Getenv("RATELIMIT"))
	command.Env = append(os.Environ(),
		"REDIS_SOCKET_TYPE=unix", "REDIS_URL="+redis, "RUNTIME_ROOT="+dir, "RUNTIME_SUBDIRECTORY=limits",
		"RUNTIME_WATCH_ROOT=false", "USE_STATSD=false", "LOG_LEVEL=warn", "HOST=127.0.0.1", "PORT="+httpPort,
		"GRPC_HOST=127.0.0.1", "GRPC_PORT="+grpcPort, "DEBUG_HOST=127.0.0.1", "DEBUG_PORT="+freePort(t))
	service = run(t, command, new(process.Log))
	until(t, service, "its health", func() bool {
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%s/healthcheck", httpPort))
		if err == nil {
			response.Body.Close()
		}
		return err == nil && response.StatusCode == http.StatusOK
	})
	return grpcPort, service
}

// Envoys that ask one service count together, each organization for itself. Without
// the service the local limit goes on alone.
func TestGlobalRateLimit(t *testing.T) {
	port, service := startRateLimit(t)
	edits := []edit{{"            disabled: true\n", ""}, {"port_value: 8081", "port_value: " + port}}
	first, second := startProduction(t, edits...), startProduction(t, edits...)
	want := func(p *production, org string, status int) {
		t.Helper()
		got := send(t, trusting(p.cert), p.url, p.user(org))
		if got.status != status {
			t.Errorf("%q: status %d %s, want %d", org, got.status, got.Reason, status)
		}
		if remaining := got.header.Get("X-Ratelimit-Remaining"); status == 429 && remaining != "0" {
			t.Errorf("%q: x-ratelimit-remaining is %q, want 0", org, remaining)
		}
	}
	want(first, acmeOrg, 200)
	want(second, acmeOrg, 200)
	want(first, acmeOrg, 429)
	want(second, acmeOrg, 429)
	want(first, globexOrg, 200)
	want(second, bigOrg, 200)
	for range 3 {
		want(first, bigOrg, 200)
		want(second, "", 200)
	}
	service.Kill()
	want(first, acmeOrg, 200)
}
