package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// Attack U13: with tls.client_names, a certificate of the authority is not enough.
func TestClientsNeedAName(t *testing.T) {
	spiffe := func(text string) *url.URL {
		uri, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return uri
	}
	allowed := []string{"envoy.example.com", "spiffe://example.com/envoy"}
	for name, test := range map[string]struct {
		allowed []string
		shown   *x509.Certificate // nil: none
		passes  bool
	}{
		"a name":            {allowed, &x509.Certificate{DNSNames: []string{"a", "envoy.example.com"}}, true},
		"a URI":             {allowed, &x509.Certificate{URIs: []*url.URL{spiffe("spiffe://example.com/envoy")}}, true},
		"another name":      {allowed, &x509.Certificate{DNSNames: []string{"envoy.example.org"}}, false},
		"another URI":       {allowed, &x509.Certificate{URIs: []*url.URL{spiffe("spiffe://example.com/envoy/x")}}, false},
		"a longer name":     {allowed, &x509.Certificate{DNSNames: []string{"x.envoy.example.com"}}, false},
		"capitals":          {allowed, &x509.Certificate{DNSNames: []string{"Envoy.example.com"}}, false},
		"a wildcard":        {allowed, &x509.Certificate{DNSNames: []string{"*.example.com"}}, false},
		"a URI as a name":   {allowed, &x509.Certificate{DNSNames: []string{"spiffe://example.com"}}, false},
		"an address":        {allowed, &x509.Certificate{EmailAddresses: []string{"envoy.example.com"}}, false},
		"no name":           {allowed, &x509.Certificate{}, false},
		"no certificate":    {allowed, nil, false},
		"nobody is allowed": {[]string{}, &x509.Certificate{DNSNames: []string{""}}, false},
		"all are allowed":   {nil, &x509.Certificate{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			clients := newClients(test.allowed, zap.NewNop())
			state := tls.ConnectionState{}
			if test.shown != nil {
				state.PeerCertificates = []*x509.Certificate{test.shown}
			}
			if err := clients.verify(state); (err == nil) != test.passes || (clients.refused.Load() == 0) != test.passes {
				t.Errorf("got %v, and %d are counted", err, clients.refused.Load())
			}
		})
	}
}

// All are counted, the first alone is logged, and no more of it than fits on a line.
func TestRefusedClientsAreLoggedSeldomAndShortly(t *testing.T) {
	core, seen := observer.New(zap.InfoLevel)
	clients := newClients([]string{"envoy"}, zap.New(core))
	names := slices.Repeat([]string{strings.Repeat("n", 1000)}, 100)
	for range 1000 {
		state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{{DNSNames: names}}}
		if clients.verify(state) == nil {
			t.Fatal("it passes")
		}
	}
	if got := clients.refused.Load(); got != 1000 {
		t.Errorf("%d are counted", got)
	}
	if seen.Len() < 1 || seen.Len() > 2 { // 2 where the time between two lines passes
		t.Fatalf("%d lines", seen.Len())
	}
	logged := seen.All()[0].ContextMap()["names"].([]any)
	if len(logged) != loggedNames || len(logged[0].(string)) != loggedNameBytes {
		t.Errorf("%d names of %d bytes are logged", len(logged), len(logged[0].(string)))
	}
}
