package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// newAdminServer returns the HTTP server for the operator.
func newAdminServer(s *service) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.serveReady)
	return &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
}

// serveReady answers 200 while at least one issuer's tokens can be decided on,
// and names the issuers whose cannot.
func (s *service) serveReady(w http.ResponseWriter, _ *http.Request) {
	unready := s.verifier.Unready()
	if s.readiness.draining.Load() || !s.verifier.Ready() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if s.readiness.draining.Load() {
		fmt.Fprintln(w, "draining")
	}
	if len(unready) > 0 {
		fmt.Fprintln(w, "without keys:", strings.Join(unready, " "))
		return
	}
	fmt.Fprintln(w, "ok")
}
