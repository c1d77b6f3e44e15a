package faults

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// issuer is one that is reached over TLS, and fails as it is told.
type issuer struct {
	*kindetest.Issuer
	address     string
	roots       string // path of the certificate that replicas trust
	certificate atomic.Pointer[tls.Certificate]
	trusted     *tls.Certificate
	fault       atomic.Pointer[issuerFault]
	server      *http.Server
}

// issuerFault answers a request to the issuer, or has next answer it.
type issuerFault func(w http.ResponseWriter, r *http.Request, next http.Handler)

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	c := e2etest.NewCertificate(t)
	i := &issuer{Issuer: kindetest.New(""), roots: filepath.Join(t.TempDir(), "roots.pem"), trusted: &c.Pair}
	e2etest.Write(t, i.roots, c.Cert)
	i.certificate.Store(i.trusted)
	i.address = "127.0.0.1:0"
	i.up(t)
	_, port, _ := net.SplitHostPort(i.address)
	i.URL = "https://localhost:" + port
	t.Cleanup(i.down)
	return i
}

// up listens, where it listened before.
func (i *issuer) up(t *testing.T) {
	t.Helper()
	var listener net.Listener
	e2etest.Eventually(t, "the issuer's port is free", func() (free bool) {
		var err error
		listener, err = net.Listen("tcp", i.address)
		return err == nil
	})
	i.address = listener.Addr().String()
	config := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return i.certificate.Load(), nil },
	}
	i.server = &http.Server{
		Handler: http.HandlerFunc(i.serve), ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: log.New(io.Discard, "", 0), // handshakes fail, as they should
	}
	server := i.server
	go func() { _ = server.Serve(tls.NewListener(listener, config)) }() // it ends when it is closed
}

// down refuses connections.
func (i *issuer) down() { _ = i.server.Close() }

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	if fault := i.fault.Load(); fault != nil {
		(*fault)(w, r, i.Issuer)
		return
	}
	i.ServeHTTP(w, r)
}

// fail fails that way from now on, until good ends it.
func (i *issuer) fail(fault issuerFault) { i.fault.Store(&fault) }

func (i *issuer) good() { i.fault.Store(nil) }

// slowly answers late, and in time.
func slowly(w http.ResponseWriter, r *http.Request, next http.Handler) {
	ctx, cancel := context.WithTimeout(r.Context(), 400*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	next.ServeHTTP(w, r)
}

func failing(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	http.Error(w, "internal error", http.StatusInternalServerError)
}

// flapping answers every third request.
func flapping() issuerFault {
	var asked atomic.Int64
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if asked.Add(1)%3 != 0 {
			failing(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	}
}

// publishing answers with a key set that is none of the issuer's.
func publishing(set string) issuerFault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Path != "/.well-known/jwks" {
			next.ServeHTTP(w, r)
			return
		}
		_, _ = w.Write([]byte(set)) // who has gone needs no answer
	}
}
