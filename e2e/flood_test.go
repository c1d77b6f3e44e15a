package e2e

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

const (
	// defaultConnections is how many connections to the gRPC port may be open.
	defaultConnections = 1024

	// maxIdleMemory is what docs/security.md says of ten thousand connections that ask
	// for nothing.
	maxIdleMemory = 128 << 20

	// hello is how a client of HTTP/2 begins: the preface and an empty SETTINGS frame.
	hello = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
)

// onTCP starts an instance whose gRPC port is TCP, and returns the address.
func onTCP(t *testing.T, log *process.Log, args ...string) (i *instance, address string) {
	t.Helper()
	i = start(t, log, append(args, "--listen=127.0.0.1:0")...)
	for line := range strings.Lines(log.String()) {
		var entry struct{ Msg, Listen string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving" {
			return i, entry.Listen
		}
	}
	t.Fatal("it does not say where it listens")
	return nil, ""
}

// dialFrom connects from an address of this machine.
func dialFrom(ctx context.Context, from, address string) (net.Conn, error) {
	return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(ctx, "tcp", address)
}

// clientFrom is a gRPC client at an address of this machine.
func clientFrom(t *testing.T, from, address string) *grpc.ClientConn {
	t.Helper()
	dial := func(ctx context.Context, address string) (net.Conn, error) { return dialFrom(ctx, from, address) }
	conn, err := grpc.NewClient("passthrough:"+address, grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// passes asks for a decision on a good token and for health.
func (i *instance) passes(t *testing.T, conn *grpc.ClientConn) bool {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	request := envoytest.Get("/").Bearer(i.issuer.Token(i.issuer.UserClaims()))
	response, err := authv3.NewAuthorizationClient(conn).Check(ctx, request.InList())
	if err != nil || response.GetStatus().GetCode() != 0 {
		return false
	}
	health, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{})
	return err == nil && health.GetStatus() == healthv1.HealthCheckResponse_SERVING
}

// flood are connections that stay as long as the service lets them.
type flood struct {
	conns  []net.Conn
	closed atomic.Int64 // by the service
	reads  sync.WaitGroup
}

// open opens connections, each of which sends something.
func (f *flood) open(t *testing.T, from, address string, n int, send func() []byte) {
	t.Helper()
	for range n {
		conn, err := dialFrom(t.Context(), from, address)
		if err != nil {
			t.Fatal(err)
		}
		f.conns = append(f.conns, conn)
		f.reads.Go(func() {
			_, _ = conn.Write(send())
			_, _ = io.Copy(io.Discard, conn)
			f.closed.Add(1)
		})
	}
}

func (f *flood) end() {
	for _, conn := range f.conns {
		conn.Close()
	}
	f.reads.Wait()
}

// Attack T13: ten thousand connections from one address. Those beyond the limit are
// closed at once, and whoever comes from another address gets in: the other Envoys, and
// the probe of the kubelet.
func TestAttackAFloodOfConnectionsLocksOutNobodyElse(t *testing.T) {
	allowFiles(t)
	var log process.Log
	i, address := onTCP(t, &log)
	const many = 10_000
	envoy := clientFrom(t, "127.0.0.1", address)
	if !i.passes(t, envoy) {
		t.Fatal("a good request is refused before the flood")
	}
	var all flood
	t.Cleanup(all.end)
	all.open(t, "127.0.0.1", address, many, func() []byte { return []byte(hello) })
	refused := many + 1 - defaultConnections/2
	eventually(t, "those beyond the limit are closed", func() bool { return all.closed.Load() == int64(refused) })
	if got := i.metric(t, "kinde_authz_connections"); got != defaultConnections/2 {
		t.Errorf("%g connections are open", got)
	}
	if got := i.metric(t, "kinde_authz_connections_refused_total"); got != float64(refused) {
		t.Errorf("%g connections are counted as refused, want %d", got, refused)
	}
	if !i.passes(t, envoy) || !i.passes(t, clientFrom(t, "127.0.0.2", address)) {
		t.Error("a good request is refused during the flood")
	}
	if n := warnings(log.String(), "a connection was refused", "limits.connections"); n < 1 || n > 5 {
		t.Errorf("%d warnings", n)
	}
	all.end()
	eventually(t, "the same address gets in again", func() bool {
		return i.passes(t, clientFrom(t, "127.0.0.1", address))
	})
}

// Attack T14: all connections there may be, each with messages that are begun and never
// end, of decisions and of health checks. The garbage collector knows of the container's
// limit, as it does in the manifests.
func TestAttackFullConnectionsTakeBoundedMemory(t *testing.T) {
	const container = 1 << 30
	t.Setenv("GOMEMLIMIT", strconv.Itoa(container/10*9))
	allowFiles(t)
	var log process.Log
	i, address := onTCP(t, &log)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all flood
	t.Cleanup(all.end)
	for _, from := range []string{"127.0.0.1", "127.0.0.3"} { // the limit of each, together the whole
		all.open(t, from, address, 5000, func() []byte { return []byte(hello) })
	}
	eventually(t, "those beyond the limit are closed", func() bool {
		return all.closed.Load() == 10_000-defaultConnections
	})
	idle := e2etest.PeakMemory(t, i.Process)
	all.end()
	eventually(t, "they are gone", func() bool { return i.metric(t, "kinde_authz_connections") == 0 })
	begun, clients := 0, make([]*http.Client, defaultConnections)
	var calls sync.WaitGroup
	stuck := make(chan struct{}, 16*defaultConnections)
	for n := range defaultConnections {
		client := http2ClientFrom([]string{"127.0.0.1", "127.0.0.3"}[n%2])
		clients[n] = client
		for _, method := range []string{"/envoy.service.auth.v3.Authorization/Check", healthv1.Health_Check_FullMethodName,
			healthv1.Health_Watch_FullMethodName} {
			for range 4 {
				begun++
				calls.Go(func() { beginCall(ctx, client, "http://"+address+method, stuck) })
			}
		}
	}
	for range begun {
		<-stuck
	}
	peak := e2etest.PeakMemory(t, i.Process)
	t.Logf("%d MiB with %d idle connections, %d MiB at most with %d messages begun on them",
		idle>>20, defaultConnections, peak>>20, begun)
	if idle > maxIdleMemory || peak > container {
		t.Errorf("want at most %d MiB idle and %d MiB", maxIdleMemory>>20, container>>20)
	}
	cancel()
	calls.Wait()
	for _, client := range clients {
		client.CloseIdleConnections()
	}
	eventually(t, "good requests pass again", func() bool { return i.passes(t, clientFrom(t, "127.0.0.2", address)) })
}

// http2ClientFrom is http2Client from an address of this machine.
func http2ClientFrom(from string) *http.Client {
	client := http2Client()
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, address string) (net.Conn, error) {
		return dialFrom(ctx, from, address)
	}
	return client
}

// Attack T15: slow clients and random bytes hold up nobody, and their connections end.
func TestAttackSlowAndRandomBytesHoldUpNobody(t *testing.T) {
	allowFiles(t)
	var log process.Log
	i, address := onTCP(t, &log)
	envoy := clientFrom(t, "127.0.0.1", address)
	random := rand.New(rand.NewPCG(1, 2))
	var lock sync.Mutex
	junk := func(after string) func() []byte {
		return func() []byte {
			lock.Lock()
			defer lock.Unlock()
			text := []byte(after)
			for range 1 + random.IntN(512) {
				text = binary.LittleEndian.AppendUint64(text, random.Uint64())
			}
			return text
		}
	}
	var all flood
	t.Cleanup(all.end)
	all.open(t, "127.0.0.1", address, 100, func() []byte { return nil })           // says nothing
	all.open(t, "127.0.0.1", address, 100, func() []byte { return []byte("PRI") }) // stops in the preface
	all.open(t, "127.0.0.1", address, 100, func() []byte { return []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n") })
	all.open(t, "127.0.0.1", address, 100, junk(""))
	for range 20 {
		var frames flood
		frames.open(t, "127.0.0.1", address, 100, junk(hello)) // frames of HTTP/2
		if !i.passes(t, envoy) {
			t.Fatal("a good request is refused")
		}
		frames.end()
	}
	eventually(t, "their connections end", func() bool { return all.closed.Load() == 400 })
	i.healthyAt(t, envoy)
}

// healthyAt wants decisions, and all that was open but that client's connection closed.
func (i *instance) healthyAt(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	if !i.passes(t, conn) {
		t.Error("a good request is refused afterwards")
	}
	eventually(t, "one connection is open", func() bool { return i.metric(t, "kinde_authz_connections") == 1 })
}
