//go:build deploy

package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
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
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// watched is a replica that Prometheus scrapes: its admin port is TCP, and stays the same.
type watched struct {
	*instance
	admin string
	args  []string
	log   *os.File // is read until it is closed
}

func newWatched(t *testing.T, args ...string) *watched {
	t.Helper()
	w := &watched{admin: "127.0.0.1:" + freePort(t)}
	w.args = append([]string{"--admin-listen=" + w.admin}, args...)
	w.start(t)
	return w
}

// start starts the replica, for the first time or again.
func (w *watched) start(t *testing.T) {
	t.Helper()
	read, write := pipe(t)
	go func() { _, _ = io.Copy(io.Discard, read) }()
	w.log, w.instance = read, launch(t, write, w.args...)
	write.Close()
}

// decide asks for a decision and lets it be what it is.
func (w *watched) decide(ctx context.Context, token string, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request := envoytest.Get("/")
	if token != "" {
		request = request.Bearer(token)
	}
	_, _ = authv3.NewAuthorizationClient(w.conn).Check(ctx, request.InList())
}

// traffic asks replicas in turn, some fifty times a second.
type traffic struct {
	replicas []*watched
	token    atomic.Pointer[func() string]
}

// startTraffic returns traffic, and what ends it.
func startTraffic(t *testing.T, replicas ...*watched) (f *traffic, stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	f = &traffic{replicas: replicas}
	f.send(func() string { return "" })
	var running sync.WaitGroup
	running.Go(func() { f.run(ctx) })
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return f, stop
}

// send has the tokens be those from now on.
func (f *traffic) send(token func() string) { f.token.Store(&token) }

func (f *traffic) run(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		<-tick.C
		f.replicas[n%len(f.replicas)].decide(ctx, (*f.token.Load())(), 200*time.Millisecond)
	}
}

// mixed is some tokens, in turn.
func mixed(tokens ...func() string) func() string {
	var n atomic.Int64
	return func() string { return tokens[n.Add(1)%int64(len(tokens))]() }
}

// crowd has a replica wait for so many messages that there is no room for more, until the
// alert fires.
func crowd(t *testing.T, w *watched, p *prometheus, alert string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for range 3 {
		conn, err := grpc.NewClient(w.conn.Target(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		callers.Go(func() {
			for ctx.Err() == nil {
				begin(ctx, conn, 700)
			}
		})
	}
	p.fires(t, alert)
	stop()
	callers.Wait()
}

// begin begins calls that send nothing, and waits until the server has ended them.
func begin(ctx context.Context, conn *grpc.ClientConn, calls int) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for range calls {
		_, _ = conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, authv3.Authorization_Check_FullMethodName)
	}
	<-ctx.Done()
}

// Each alert is fired by the fault that it is for, and after them no query of the
// dashboard is empty: docs/operations.md, followed once.
func TestObservabilityFaults(t *testing.T) {
	issuer, dir := kindetest.NewServer(), t.TempDir()
	t.Cleanup(issuer.Close)
	file := filepath.Join(dir, "settings.yaml")
	settings := fmt.Sprintf("issuers: [{domain: %q}]\n", issuer.Issuer.URL) +
		"jwks: {refresh: 200ms, max_stale: 25s, timeout: 4s}\nlimits: {connections: 20}\n"
	write(t, file, settings)
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	install := func(c e2etest.Certificate) { write(t, cert, c.Cert); write(t, key, c.Key) }
	client := e2etest.NewCertificate(t) // for localhost
	install(client)
	taking := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(taking.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", taking.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
	first, second := newWatched(t, "--config="+file), newWatched(t, "--config="+file)
	secure := newWatched(t, "--config="+file, "--tls-cert="+cert, "--tls-key="+key, "--tls-client-ca="+cert,
		"--tls-client-names=envoy.example.com")
	p := startPrometheus(t, first.admin, second.admin, secure.admin)
	queries := dashboardQueries(t)

	good := func() string { return issuer.Token(issuer.UserClaims()) }
	none := func() string { return "" }
	expired := func() string {
		return issuer.Token(issuer.UserClaims().With("exp", time.Now().Add(-time.Hour).Unix()))
	}
	newKey := func() string {
		header := issuer.Header()
		header["kid"] = "new"
		return issuer.SignAs(header, issuer.UserClaims())
	}
	usual := mixed(good)
	requests, stop := startTraffic(t, first, second)
	requests.send(usual)
	eventually(t, "there is a day before", func() bool {
		return p.series(t, "avg_over_time(job_reason:kinde_authz_denials:ratio_rate10m[30s] offset 15s)") > 20
	})
	p.quiet(t, "KindeAuthz.+")

	// Requests are denied.
	requests.send(mixed(good, expired))
	p.fires(t, "KindeAuthzDenialsJumped")
	queries = p.empty(t, queries)
	requests.send(mixed(good, none, none, none))
	p.fires(t, "KindeAuthzTokensMissing")
	requests.send(usual)
	p.quiet(t, "KindeAuthzDenialsJumped|KindeAuthzTokensMissing")

	// kinde-authz cannot decide.
	noCheckRequest := func() string {
		_ = first.conn.Invoke(t.Context(), authv3.Authorization_Check_FullMethodName, wrapperspb.Bytes([]byte{0xff}),
			new(authv3.CheckResponse))
		return good()
	}
	requests.send(noCheckRequest)
	p.fires(t, "KindeAuthzInternalErrors", "KindeAuthzErrorBudgetBurn")
	requests.send(usual)
	crowd(t, first, p, "KindeAuthzOverloaded")
	p.quiet(t, "KindeAuthzOverloaded|KindeAuthzInternalErrors|Kinde.+Burn")

	// The issuer hangs, and then is away.
	if err := issuer.Fail(kindetest.Hang); err != nil {
		t.Fatal(err)
	}
	requests.send(mixed(good, newKey))
	p.fires(t, "KindeAuthzLatencyBudgetBurn", "KindeAuthzKeysUnavailable")
	requests.send(usual)
	if err := issuer.Fail(kindetest.Down); err != nil {
		t.Fatal(err)
	}
	p.fires(t, "KindeAuthzKeysOld", "KindeAuthzKeysExpiring", "KindeAuthzNotServing", "KindeAuthzIssuerWithoutKeys")
	queries = p.empty(t, queries)
	if err := issuer.Fail(""); err != nil {
		t.Fatal(err)
	}
	p.quiet(t, "KindeAuthz(Keys.+|NotServing|IssuerWithoutKeys)")

	// Clients are too many, or strangers, and the collector goes away.
	for range 30 {
		conn, err := net.Dial("unix", second.path("grpc"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	p.fires(t, "KindeAuthzConnectionsRefused")
	if secure.accepts(t, client) {
		t.Error("a client without the right name is accepted")
	}
	p.fires(t, "KindeAuthzClientsRefused")
	taking.Close()
	p.fires(t, "KindeAuthzTracesLost")

	// Files are changed for worse.
	write(t, file, settings+"polices: {}\n")
	p.fires(t, "KindeAuthzConfigReloadFailed")
	write(t, file, settings)
	p.quiet(t, "KindeAuthzConfigReloadFailed")
	install(e2etest.CertificateUntil(t, time.Now().Add(5*time.Minute)))
	p.fires(t, "KindeAuthzCertificateExpiring")
	write(t, cert, "no certificate")
	p.fires(t, "KindeAuthzTLSReloadFailed")

	// Nobody takes the log; replicas restart, and are away.
	first.log.Close()
	p.fires(t, "KindeAuthzLogLinesDropped")
	if queries = p.empty(t, queries); len(queries) > 0 {
		t.Errorf("queries that had nothing after any fault:\n%s", strings.Join(queries, "\n"))
	}
	stop()
	for n := 1; n <= 3; n++ {
		second.signal(t, syscall.SIGKILL)
		<-second.Done() // its port is free
		second.start(t)
		started := fmt.Sprintf(`changes(process_start_time_seconds{instance=%q}[1m]) >= %d`, second.admin, n)
		eventually(t, "the restart is seen", func() bool { return p.series(t, started) > 0 })
	}
	p.fires(t, "KindeAuthzRestarting")
	second.signal(t, syscall.SIGKILL)
	p.fires(t, "KindeAuthzReplicaDown")
	first.signal(t, syscall.SIGKILL)
	secure.signal(t, syscall.SIGKILL)
	p.fires(t, "KindeAuthzDown")
}
