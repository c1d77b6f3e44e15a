package main

import (
	"fmt"
	"net/http"
	"time"
)

// newAdminServer returns the HTTP server for the operator.
func newAdminServer(s *service) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.Handle("GET /metrics", s.metrics.handler())
	return &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
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
