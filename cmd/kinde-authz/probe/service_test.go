package probe

import (
	"context"
	"net"
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// useResolver has names looked up with a DNS server of the test until it ends.
func useResolver(t *testing.T, asked func(ctx context.Context) (net.Conn, error)) {
	t.Helper()
	before := net.DefaultResolver
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return asked(ctx) }
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: dial}
	t.Cleanup(func() { net.DefaultResolver = before })
}

// healthOnly is a server of gRPC health that is no kinde-authz.
func healthOnly(t *testing.T) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, checks := grpc.NewServer(), health.NewServer()
	checks.SetServingStatus(authv3.Authorization_ServiceDesc.ServiceName, healthv1.HealthCheckResponse_SERVING)
	healthv1.RegisterHealthServer(server, checks)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port
}

func TestLocalhostNeedsNoDNS(t *testing.T) {
	useResolver(t, func(context.Context) (net.Conn, error) {
		t.Error("DNS was asked")
		return nil, net.ErrClosed
	})
	port := healthOnly(t)
	for _, host := range []string{"localhost", "", "127.0.0.1"} {
		status, digest, err := Service(t.Context(), host+":"+port, settings.TLS{})
		if err != nil || status != healthv1.HealthCheckResponse_SERVING || digest != "" {
			t.Errorf("%s: %v, %q, %v", host, status, digest, err)
		}
	}
}

func TestDNSThatDoesNotAnswer(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	useResolver(t, func(ctx context.Context) (net.Conn, error) {
		cancel() // the patience, once it has been asked
		return (&net.Dialer{}).DialContext(context.WithoutCancel(ctx), "udp", silent.LocalAddr().String())
	})
	_, _, err = Service(ctx, "kinde-authz.example.com:9191", settings.TLS{})
	if err == nil || err.Error() != "DNS does not answer for kinde-authz.example.com: name an IP address instead" {
		t.Errorf("got %v", err)
	}
}

func TestServiceSaysWhatIsWrong(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	defer silent.Close()
	for address, want := range map[string]string{
		"9191":                  `"9191": want host:port or unix:/path`,
		"127.0.0.1:1":           "dial tcp 127.0.0.1:1: connect: connection refused",
		"localhost:1":           "dial tcp 127.0.0.1:1: connect: connection refused",
		"unix:/nowhere":         "dial unix /nowhere: connect: no such file or directory",
		silent.Addr().String():  "it does not answer to a gRPC health check: ",
		"127.0.0.1:" + "999999": "dial tcp: address 999999: invalid port",
	} {
		_, _, err := Service(t.Context(), address, settings.TLS{})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", address, err, want)
		}
	}
}
