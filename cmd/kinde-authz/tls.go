package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// How messages name the settings.
const (
	certSetting     = "KINDE_AUTHZ_TLS_CERT (--tls-cert, tls.cert)"
	keySetting      = "KINDE_AUTHZ_TLS_KEY (--tls-key, tls.key)"
	clientCASetting = "KINDE_AUTHZ_TLS_CLIENT_CA (--tls-client-ca, tls.client_ca)"
)

// tlsContent is what the files hold, or why that is unknown.
type tlsContent struct{ cert, key, clientCA, fault string }

func readTLS(ctx context.Context, f settings.TLS) (c tlsContent, err error) {
	for _, one := range []struct {
		setting, path string
		content       *string
	}{
		{certSetting, f.Cert, &c.cert}, {keySetting, f.Key, &c.key}, {clientCASetting, f.ClientCA, &c.clientCA},
	} {
		if one.path == "" {
			continue
		}
		content, err := settings.ReadPEM(ctx, one.path)
		if err != nil {
			return tlsContent{}, fmt.Errorf("%s: %w", one.setting, err)
		}
		*one.content = string(content)
	}
	return c, nil
}

// config is what a handshake goes by. Sessions are not resumed: that would let
// in a client whose authority has been taken out of the file since.
func (c tlsContent) config(f settings.TLS) (*tls.Config, error) {
	pair, err := tls.X509KeyPair([]byte(c.cert), []byte(c.key))
	if err != nil {
		return nil, fmt.Errorf("%s: %s, %s: %s: %w", certSetting, f.Cert, keySetting, f.Key, err)
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
		NextProtos: []string{"h2"}, SessionTicketsDisabled: true,
	}
	if f.ClientCA == "" {
		return config, nil
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM([]byte(c.clientCA)) {
		return nil, fmt.Errorf("%s: %s holds no certificate", clientCASetting, f.ClientCA)
	}
	return config, nil
}

// certificates follow the TLS files as they change.
type certificates struct {
	files   settings.TLS
	first   tlsContent
	current atomic.Pointer[tls.Config]
	clients *clients
}

func newCertificates(files settings.TLS, clients *clients) (*certificates, error) {
	content, err := readTLS(context.Background(), files)
	if err != nil {
		return nil, err
	}
	c := &certificates{files: files, first: content, clients: clients}
	return c, c.use(content)
}

// use changes over to what the files hold. With a fault in it everything stays
// as it is.
func (c *certificates) use(content tlsContent) error {
	if content.fault != "" {
		return errors.New(content.fault)
	}
	config, err := content.config(c.files)
	if err != nil {
		return err
	}
	config.VerifyConnection = c.clients.verify
	c.current.Store(config)
	return nil
}

// leaf is the certificate that is in use.
func (c *certificates) leaf() *x509.Certificate { return c.current.Load().Certificates[0].Leaf }

// warnExpired logs that the certificate has expired: clients that look refuse it.
func (c *certificates) warnExpired(log *zap.Logger) {
	leaf := c.leaf()
	if time.Now().After(leaf.NotAfter) {
		log.Warn("the certificate of the gRPC port has expired: clients that verify it do not connect",
			zap.String("setting", certSetting), zap.Time("not_after", leaf.NotAfter))
	}
}

func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current.Load(), nil },
	}
}

// watch follows the files until ctx ends, and tells of each change whether it
// could be used.
func (c *certificates) watch(ctx context.Context, used func(error)) {
	read := func(ctx context.Context) tlsContent {
		content, err := readTLS(ctx, c.files)
		if err != nil {
			content.fault = err.Error()
		}
		return content
	}
	poll(ctx, nil, c.first, read, func(now tlsContent) { used(c.use(now)) })
}
