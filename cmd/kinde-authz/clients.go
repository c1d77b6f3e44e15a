package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	// refusalsEvery is how often a refused client is logged; all are counted.
	refusalsEvery = 10 * time.Second

	// loggedNames and loggedNameBytes bound what of a certificate is logged.
	loggedNames, loggedNameBytes = 8, 256
)

// clients are whom the gRPC port lets in, among those whose certificate the client
// authority has signed.
type clients struct {
	names   atomic.Pointer[[]string] // nil in it: whatever their names
	log     *zap.Logger
	refused atomic.Uint64
}

func newClients(names []string, log *zap.Logger) *clients {
	c := &clients{log: seldom(log)}
	c.use(names)
	return c
}

// seldom logs each message once in a while.
func seldom(log *zap.Logger) *zap.Logger {
	return log.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, refusalsEvery, 1, 0)
	}))
}

// use lets in clients with these names from now on; nil lets in all.
func (c *clients) use(names []string) { c.names.Store(&names) }

// verify refuses a client whose certificate has none of the names. Unlike
// VerifyPeerCertificate it is asked at every handshake, also one that resumes a session.
func (c *clients) verify(state tls.ConnectionState) error {
	allowed := *c.names.Load()
	if allowed == nil {
		return nil
	}
	var shown []string
	if len(state.PeerCertificates) > 0 {
		shown = namesOf(state.PeerCertificates[0])
	}
	if slices.ContainsFunc(shown, func(name string) bool { return slices.Contains(allowed, name) }) {
		return nil
	}
	c.log.Warn("a client was refused: its certificate has none of the names that may connect",
		zap.String("setting", "tls.client_names"), zap.Strings("names", shortened(shown)),
		zap.Uint64("refused_clients", c.refused.Add(1)))
	return errors.New("the client's certificate has none of the names in tls.client_names")
}

// namesOf returns the DNS names and the URIs of a certificate.
func namesOf(certificate *x509.Certificate) []string {
	names := slices.Clone(certificate.DNSNames)
	for _, uri := range certificate.URIs {
		names = append(names, uri.String())
	}
	return names
}

// shortened returns names as a line of the log has room for them.
func shortened(names []string) []string {
	short := slices.Clone(names[:min(len(names), loggedNames)])
	for i, name := range short {
		short[i] = name[:min(len(name), loggedNameBytes)]
	}
	return short
}
