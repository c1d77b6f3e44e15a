package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc/credentials/tls/certprovider"
	"google.golang.org/grpc/credentials/tls/certprovider/pemfile"
)

// tlsRefresh is how often the files are looked at.
const tlsRefresh = time.Second

// tlsFiles are the files that the gRPC port's TLS is made of, PEM. Without a
// certificate there is no TLS; with client authorities, a client must show a
// certificate of one of them.
type tlsFiles struct{ cert, key, clientCA string }

// config returns a configuration that follows the files as they change.
func (f tlsFiles) config() (*tls.Config, error) {
	if _, err := tls.LoadX509KeyPair(f.cert, f.key); err != nil {
		return nil, fmt.Errorf("KINDE_AUTHZ_TLS_CERT (--tls-cert), KINDE_AUTHZ_TLS_KEY (--tls-key): %w", err)
	}
	if err := f.checkClientCA(); err != nil {
		return nil, fmt.Errorf("KINDE_AUTHZ_TLS_CLIENT_CA (--tls-client-ca): %w", err)
	}
	provider, err := pemfile.NewProvider(pemfile.Options{
		CertFile: f.cert, KeyFile: f.key, RootFile: f.clientCA, RefreshDuration: tlsRefresh,
	})
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			material, err := provider.KeyMaterial(hello.Context())
			if err != nil {
				return nil, err
			}
			return f.configOf(material), nil
		},
	}, nil
}

func (f tlsFiles) checkClientCA() error {
	if f.clientCA == "" {
		return nil
	}
	content, err := os.ReadFile(f.clientCA)
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM(content) {
		err = fmt.Errorf("%s holds no certificate", f.clientCA)
	}
	return err
}

func (f tlsFiles) configOf(material *certprovider.KeyMaterial) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: material.Certs, NextProtos: []string{"h2"}}
	if f.clientCA != "" {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, material.Roots
	}
	return config
}
