package main

import (
	"fmt"
	"net/http"
	"path"
	"time"

	"golang.org/x/net/netutil"
)

const (
	// adminConnections bounds what is open on the admin port at a time. Those
	// beyond wait to be accepted.
	adminConnections = 1024

	// adminHeaderTimeout bounds the wait for a request: connections that send none
	// keep probes waiting.
	adminHeaderTimeout = time.Second

	// adminTimeout bounds the reading of a request, and the writing of the
	// answer, so that nobody keeps a connection.
	adminTimeout = 5 * time.Second

	// adminHeaderBytes is more than a probe or a scrape sends.
	adminHeaderBytes = 16 << 10
)

// newAdminServer returns the HTTP server for the operator. A connection carries
// one request: a client that sends many and reads no answer has no hold on the
// processor.
func newAdminServer(s *service) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.serveStatus)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.HandleFunc("GET /jwks", s.serveJWKS)
	mux.Handle("GET /metrics", s.metrics.handler())
	addProfiles(mux, func() bool { return s.settings.Load().Pprof })
	server := &http.Server{
		Handler: exactly(mux), ReadHeaderTimeout: adminHeaderTimeout, ReadTimeout: adminTimeout, WriteTimeout: adminTimeout, MaxHeaderBytes: adminHeaderBytes,
	}
	server.SetKeepAlivesEnabled(false)
	return server
}

// exactly answers 404 to a path that is not written as the handlers' are, which the mux
// would decode, or clean and redirect to.
func exactly(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		written := r.URL.EscapedPath()
		clean := path.Clean(written)
		if written != r.URL.Path || written != clean && (clean == "/" || written != clean+"/") {
			http.NotFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// serveAdmin serves the operator until the server is closed.
func (s *service) serveAdmin() error {
	return s.admin.Serve(netutil.LimitListener(s.adminPort, adminConnections))
}

// serveReady answers 200 while at least one issuer's tokens can be decided on,
// and says of each issuer whether its tokens can.
func (s *service) serveReady(w http.ResponseWriter, _ *http.Request) {
	draining := s.readiness.draining.Load()
	if draining || !s.verifier.Load().Ready() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if draining {
		fmt.Fprintln(w, "draining")
	}
	for _, status := range s.verifier.Load().Status() {
		word := "ok"
		if !status.Usable {
			word = "without usable keys"
		}
		fmt.Fprintf(w, "%s: %s\n", status.Issuer, word)
	}
}
