package main

import (
	"crypto/tls"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/tls/certprovider"
	"google.golang.org/grpc/credentials/tls/certprovider/pemfile"
	"google.golang.org/grpc/keepalive"
)

// tlsRefresh is how often the certificate files are looked at.
const tlsRefresh = 10 * time.Second

// newGRPCServer returns a server with limits that fit Envoy: it pings while
// idle, sends at most 60 KiB of headers, and keeps a connection for ever unless
// told to look for other replicas now and then.
func (c *serveCommand) newGRPCServer() (*grpc.Server, error) {
	options := []grpc.ServerOption{
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: 10 * time.Minute, MaxConnectionAgeGrace: time.Minute}),
		grpc.MaxConcurrentStreams(1024),
		grpc.MaxRecvMsgSize(256 << 10),
		grpc.MaxHeaderListSize(64 << 10),
	}
	if c.TLSCert != "" {
		config, err := c.newTLSConfig()
		if err != nil {
			return nil, err
		}
		options = append(options, grpc.Creds(credentials.NewTLS(config)))
	}
	return grpc.NewServer(options...), nil
}

// newTLSConfig returns a configuration that follows the files as they change.
func (c *serveCommand) newTLSConfig() (*tls.Config, error) {
	if _, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey); err != nil {
		return nil, fmt.Errorf("KINDE_AUTHZ_TLS_CERT (--tls-cert), KINDE_AUTHZ_TLS_KEY (--tls-key): %w", err)
	}
	files, err := pemfile.NewProvider(pemfile.Options{
		CertFile: c.TLSCert, KeyFile: c.TLSKey, RootFile: c.TLSClientCA, RefreshDuration: tlsRefresh,
	})
	if err != nil {
		return nil, fmt.Errorf("KINDE_AUTHZ_TLS_CLIENT_CA (--tls-client-ca): %w", err)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			material, err := files.KeyMaterial(hello.Context())
			if err != nil {
				return nil, err
			}
			return c.tlsConfigOf(material), nil
		},
	}, nil
}

func (c *serveCommand) tlsConfigOf(material *certprovider.KeyMaterial) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: material.Certs, NextProtos: []string{"h2"}}
	if c.TLSClientCA != "" {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, material.Roots
	}
	return config
}
