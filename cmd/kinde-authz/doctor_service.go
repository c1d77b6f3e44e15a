package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strings"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// checkService asks the running service for its health, as Envoy does.
func checkService(ctx context.Context, r *report, settings *settings, address string) {
	if address == "" {
		address = settings.listen
	}
	if strings.HasPrefix(address, ":") {
		address = "localhost" + address
	}
	check := "service " + address
	secure, err := clientCredentials(settings.tls)
	if err != nil {
		r.warn(check, "its health cannot be asked for: "+err.Error(), "ask Envoy: its health check shows it under /clusters")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(secure))
	if err != nil {
		r.fail(check, "no such address: "+err.Error(), "name host:port or unix:/path with --address")
		return
	}
	defer conn.Close()
	answer, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{Service: authv3.Authorization_ServiceDesc.ServiceName})
	if err != nil {
		r.fail(check, "it does not answer: "+err.Error(), "start kinde-authz, or name its address with --address")
		return
	}
	r.judge(answer.GetStatus() == healthv1.HealthCheckResponse_SERVING, check, "it is SERVING", failed,
		"it is "+answer.GetStatus().String(), "it drains, or has no issuer's keys: /readyz on its admin port says which")
}

// clientCredentials trust the certificate that the service is configured with.
func clientCredentials(files tlsFiles) (credentials.TransportCredentials, error) {
	if files.cert == "" {
		return insecure.NewCredentials(), nil
	}
	if files.clientCA != "" {
		return nil, errors.New("it wants a client certificate")
	}
	content, err := os.ReadFile(files.cert)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, errors.New(files.cert + " holds no certificate")
	}
	return credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}), nil
}
