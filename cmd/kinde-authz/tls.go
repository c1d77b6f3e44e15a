package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
)

// maxPEMBytes bounds each file of the TLS settings.
const maxPEMBytes = 1 << 20

// How messages name the settings.
const (
	certSetting     = "KINDE_AUTHZ_TLS_CERT (--tls-cert, tls.cert)"
	keySetting      = "KINDE_AUTHZ_TLS_KEY (--tls-key, tls.key)"
	clientCASetting = "KINDE_AUTHZ_TLS_CLIENT_CA (--tls-client-ca, tls.client_ca)"
)

// tlsFiles are the files that the gRPC port's TLS is made of, PEM. Without a
// certificate there is no TLS; with client authorities, a client must show a
// certificate of one of them.
type tlsFiles struct{ cert, key, clientCA string }

// tlsContent is what the files hold, or why that is unknown.
type tlsContent struct{ cert, key, clientCA, fault string }

func (f tlsFiles) read() (c tlsContent, err error) {
	for _, one := range []struct {
		setting, path string
		content       *string
	}{
		{certSetting, f.cert, &c.cert}, {keySetting, f.key, &c.key}, {clientCASetting, f.clientCA, &c.clientCA},
	} {
		if one.path == "" {
			continue
		}
		content, err := readAtMost(one.path, maxPEMBytes)
		if err != nil {
			return tlsContent{}, fmt.Errorf("%s: %w", one.setting, err)
		}
		*one.content = string(content)
	}
	return c, nil
}

// config is what a handshake goes by. Sessions are not resumed: that would let
// in a client whose authority has been taken out of the file since.
func (f tlsFiles) config(c tlsContent) (*tls.Config, error) {
	pair, err := tls.X509KeyPair([]byte(c.cert), []byte(c.key))
	if err != nil {
		return nil, fmt.Errorf("%s: %s, %s: %s: %w", certSetting, f.cert, keySetting, f.key, err)
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
		NextProtos: []string{"h2"}, SessionTicketsDisabled: true,
	}
	if f.clientCA == "" {
		return config, nil
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM([]byte(c.clientCA)) {
		return nil, fmt.Errorf("%s: %s holds no certificate", clientCASetting, f.clientCA)
	}
	return config, nil
}

// certificates follow the TLS files as they change.
type certificates struct {
	files   tlsFiles
	first   tlsContent
	current atomic.Pointer[tls.Config]
}

func newCertificates(files tlsFiles) (*certificates, error) {
	content, err := files.read()
	if err != nil {
		return nil, err
	}
	c := &certificates{files: files, first: content}
	return c, c.use(content)
}

// use changes over to what the files hold. With a fault in it everything stays
// as it is.
func (c *certificates) use(content tlsContent) error {
	if content.fault != "" {
		return errors.New(content.fault)
	}
	config, err := c.files.config(content)
	if err == nil {
		c.current.Store(config)
	}
	return err
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
	read := func() tlsContent {
		content, err := c.files.read()
		if err != nil {
			content.fault = err.Error()
		}
		return content
	}
	slow := tlsContent{fault: "the TLS files: " + errSlow.Error()}
	poll(ctx, nil, c.first, slow, read, func(now tlsContent) { used(c.use(now)) })
}
