package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// instance is a kinde-authz without an Envoy, on Unix sockets: where it listens
// is known also when its log cannot be read.
type instance struct {
	*process.Process
	issuer *kindetest.Server
	dir    string
	conn   *grpc.ClientConn
	web    *http.Client
}

// start starts an instance that has an issuer, and waits until it is ready.
func start(t *testing.T, log io.Writer, args ...string) *instance {
	t.Helper()
	issuer := kindetest.NewServer()
	t.Cleanup(issuer.Close)
	i := launch(t, log, append([]string{"--domain", issuer.Issuer.URL}, args...)...)
	i.issuer = issuer
	eventually(t, "it is ready", func() bool {
		_, status, err := i.ask("/readyz")
		return err == nil && status == http.StatusOK
	})
	return i
}

// launch starts an instance whose log goes there. It is killed with the test.
func launch(t *testing.T, log io.Writer, args ...string) *instance {
	t.Helper()
	dir, err := os.MkdirTemp("", "kinde") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	i := &instance{dir: dir}
	command := exec.Command(programs.Authz, append([]string{"--insecure-http", "--drain-delay=0s",
		"--listen=unix:" + i.path("grpc"), "--admin-listen=unix:" + i.path("admin")}, args...)...)
	command.Stderr = log
	i.Process = run(t, command, &process.Log{})
	i.conn, err = grpc.NewClient("unix:"+i.path("grpc"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.conn.Close() })
	i.web = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return i.dialAdmin(ctx) },
	}}
	return i
}

func (i *instance) path(name string) string { return filepath.Join(i.dir, name) }

func (i *instance) dialAdmin(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", i.path("admin"))
}

// ask asks the admin port.
func (i *instance) ask(path string) (text string, status int, err error) {
	response, err := i.web.Get("http://admin" + path)
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), response.StatusCode, err
}

// metric is the value of a metric, as it is printed.
func (i *instance) metric(t *testing.T, name string) (value float64) {
	t.Helper()
	text, _, err := i.ask("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if number, found := strings.CutPrefix(line, name+" "); found {
			if _, err := fmt.Sscan(number, &value); err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// check asks for so many decisions and wants each to allow within a second.
func (i *instance) check(t *testing.T, many int) {
	t.Helper()
	token, path := i.issuer.Token(i.issuer.UserClaims()), "/"+strings.Repeat("long/", 50)
	var left atomic.Int64
	left.Store(int64(many))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for left.Add(-1) >= 0 && !t.Failed() {
				if got, err := i.reason(t, path, token); got != "allowed" {
					t.Errorf("got %q, %v", got, err)
				}
			}
		})
	}
	group.Wait()
}

// reason asks about a request.
func (i *instance) reason(t *testing.T, path, token string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	request := envoytest.Get(path).Bearer(token)
	response, err := authv3.NewAuthorizationClient(i.conn).Check(ctx, request.InList())
	return response.GetDynamicMetadata().GetFields()["reason"].GetStringValue(), err
}

// healthy wants gRPC health and /healthz to say so.
func (i *instance) healthy(t *testing.T) {
	t.Helper()
	if got := i.health(t); got != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("health is %s", got)
	}
	if text, status, err := i.ask("/healthz"); err != nil || status != http.StatusOK || text != "ok\n" {
		t.Errorf("/healthz: %d %q %v", status, text, err)
	}
}

func (i *instance) health(t *testing.T) healthv1.HealthCheckResponse_ServingStatus {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	answer, err := healthv1.NewHealthClient(i.conn).Check(ctx, &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Error(err)
	}
	return answer.GetStatus()
}

func (i *instance) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := i.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// refused runs kinde-authz and wants it to end by itself, with that exit code and
// a word about what.
func refused(t *testing.T, code int, says string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, programs.Authz, args...)
	command.Env = []string{
		"KINDE_DOMAIN=https://yourapp.kinde.com", "KINDE_AUTHZ_LISTEN=127.0.0.1:0", "KINDE_AUTHZ_ADMIN_LISTEN=127.0.0.1:0",
	}
	if got, _, stderr := output(t, command); got != code || !strings.Contains(stderr, says) {
		t.Errorf("exit code %d and %q, want %d and %q", got, stderr, code, says)
	}
}
