// Package probe asks a running service, and issuers, what they answer now.
package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// Status is the health of a service.
type Status = healthv1.HealthCheckResponse_ServingStatus

// How long a running service is waited for.
const (
	lookupTimeout = 3 * time.Second
	dialTimeout   = 3 * time.Second
	answerTimeout = 5 * time.Second
)

// ErrClientCertificate is the error for a service that cannot be asked.
var ErrClientCertificate = errors.New("it cannot be asked, as it wants a client certificate (tls.client_ca)")

// Service asks a running service, at host:port or unix:/path, for its health and for
// the digest of its settings, which is empty where it tells none.
func Service(ctx context.Context, address string, files settings.TLS) (Status, string, error) {
	secure, err := clientCredentials(ctx, files)
	if err != nil {
		return 0, "", err
	}
	first, err := dial(ctx, address)
	if err != nil {
		return 0, "", err
	}
	first.Close() // gRPC says less clearly why nobody answers
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(secure),
		grpc.WithContextDialer(dial), grpc.WithDisableServiceConfig())
	if err != nil {
		return 0, "", err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var header metadata.MD
	answer, err := healthv1.NewHealthClient(conn).Check(ctx,
		&healthv1.HealthCheckRequest{Service: authv3.Authorization_ServiceDesc.ServiceName}, grpc.Header(&header))
	if err != nil {
		return 0, "", fmt.Errorf("it does not answer to a gRPC health check: %s", status.Convert(err).Message())
	}
	return answer.GetStatus(), strings.Join(header.Get(settings.DigestHeader), ""), nil
}

// dial connects to host:port or unix:/path. It needs no DNS for localhost, and
// says so when DNS does not answer for another name.
func dial(ctx context.Context, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: dialTimeout}
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return dialer.DialContext(ctx, "unix", path)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%q: want host:port or unix:/path", address)
	}
	addresses := []string{host}
	switch {
	case host == "" || host == "localhost":
		addresses = []string{"127.0.0.1", "::1"}
	case net.ParseIP(host) == nil:
		if addresses, err = lookup(ctx, host); err != nil {
			return nil, err
		}
	}
	for _, ip := range addresses {
		conn, failure := dialer.DialContext(ctx, "tcp", net.JoinHostPort(ip, port))
		if failure == nil {
			return conn, nil
		}
		err = cmp.Or(err, failure) // the first says most
	}
	return nil, err
}

// lookup asks DNS for a name, for as long as it should take.
func lookup(ctx context.Context, host string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("DNS does not answer for %s: name an IP address instead", host)
	}
	return addresses, err
}

// clientCredentials trust the certificate that the service is configured with.
func clientCredentials(ctx context.Context, files settings.TLS) (credentials.TransportCredentials, error) {
	if files.Cert == "" {
		return insecure.NewCredentials(), nil
	}
	if files.ClientCA != "" {
		return nil, ErrClientCertificate
	}
	content, err := settings.ReadPEM(ctx, files.Cert)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, errors.New(files.Cert + " holds no certificate")
	}
	return credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}), nil
}
