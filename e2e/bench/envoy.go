package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// connections are how many load each Envoy at a time.
var connections = []int{1, 16, 64, 256}

// gate is what an Envoy asks before it answers.
type gate struct {
	name    string
	service *service // asked by ext_authz
	filters string   // that stand in the place of ext_authz, when no service is asked
	tokens  []string
	forged  int // the status that a forged token gets
}

// throughEnvoy measures requests through Envoys that differ in what decides.
func (b *bench) throughEnvoy() error {
	stock, err := b.startStock()
	if err != nil {
		return err
	}
	gates := []gate{
		{caseNone, nil, "", b.tokens.good[:few], http.StatusOK},
		{caseNative, nil, b.nativeFilters(), b.tokens.good[:few], http.StatusUnauthorized},
		{caseStock, stock, "", b.tokens.good[:few], http.StatusOK},
	}
	for _, authz := range []struct {
		name    string
		entries int
		tokens  []string
		env     []string
	}{
		{caseWarm, usualCache, b.tokens.good[:few], nil},
		{caseCold, smallCache, b.tokens.good, nil},
		{caseOneProcessor, usualCache, b.tokens.good[:few], []string{"GOMAXPROCS=1"}},
	} {
		service, err := b.startAuthz(authz.entries, authz.env...)
		if err != nil {
			return err
		}
		gates = append(gates, gate{authz.name, service, "", authz.tokens, http.StatusUnauthorized})
	}
	works := make([][]work, len(connections))
	for _, g := range gates {
		envoy, address, err := b.startEnvoy(g)
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		for i, n := range connections {
			w := work{group: groupEnvoy(n), name: g.name, envoy: envoy}
			w.load = func(d time.Duration) (sample, error) { return loadHTTP(address, g.tokens, n, d) }
			if g.service != nil {
				w.service = g.service.process
			}
			works[i] = append(works[i], w)
		}
	}
	return b.inTurns(slices.Concat(works...))
}

// startEnvoy starts an Envoy with one worker, and waits until a good token passes and a
// forged one gets what it should.
func (b *bench) startEnvoy(g gate) (envoy *process, address string, err error) {
	text, err := os.ReadFile("../../envoy.yaml")
	if err != nil {
		return nil, "", err
	}
	if address, err = freeAddress(); err != nil {
		return nil, "", err
	}
	config, err := configure(string(text), address, g)
	if err != nil {
		return nil, "", err
	}
	file, err := b.file("envoy.yaml", config)
	if err != nil {
		return nil, "", err
	}
	envoy, err = b.start(nil, b.envoy, "-c", file,
		"--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")
	if err != nil {
		return nil, "", err
	}
	return envoy, address, envoy.until(func() error {
		c, err := dialHTTP(address)
		if err != nil {
			return err
		}
		defer func() { _ = c.socket.Close() }() // it was read
		for token, want := range map[string]int{g.tokens[0]: http.StatusOK, b.tokens.forged[0]: g.forged} {
			if status, err := c.get(token); err != nil || status != want {
				return errors.Join(err, fmt.Errorf("status %d, want %d", status, want))
			}
		}
		return nil
	})
}

// configure changes the project's envoy.yaml as little as it can: its own addresses, an
// answer in the place of an upstream, no access log and, where no service is asked,
// other filters in the place of ext_authz.
func configure(config, address string, g gate) (string, error) {
	service := "127.0.0.1:1" // nobody listens
	if g.service != nil {
		service = g.service.address
	}
	edits := []struct{ from, to, by string }{ // what begins with from, up to what begins with to
		{"0.0.0.0, port_value: 8080", "}", socket(address)},
		{"127.0.0.1, port_value: 9901", "}", socket("127.0.0.1:0")},
		{"kinde-authz, port_value: 9191", "}", socket(service)},
		{"agent, port_value: 8000", "}", socket("127.0.0.1:1")},
		{"- match: {path_separated_prefix: /mcp}\n", "# Agents stream", ""}, // its messages are not measured
		{"route: {cluster: agent", "\n", `direct_response: {status: 200, body: {inline_string: "ok"}}`},
		{"access_log:\n", "http_filters:\n", ""},
	}
	if g.service == nil {
		edits = append(edits, []struct{ from, to, by string }{
			{"- name: envoy.filters.http.ext_authz\n", "- name: envoy.filters.http.router\n", g.filters},
			{"# Bodies of other routes stream through.", "envoy.filters.http.cors:\n", ""},
		}...)
	}
	for _, edit := range edits {
		before, rest, found := strings.Cut(config, edit.from)
		_, after, ended := strings.Cut(rest, edit.to)
		if !found || !ended || strings.Contains(after, edit.from) {
			return "", fmt.Errorf("envoy.yaml: want %q once, and %q after it", edit.from, edit.to)
		}
		config = before + edit.by + edit.to + after
	}
	return config, nil
}

// socket is an address as envoy.yaml writes it.
func socket(address string) string {
	host, port, _ := net.SplitHostPort(address) // it is one that the kernel gave
	return host + ", port_value: " + port
}

// nativeFilters are Envoy's own way: jwt_authn verifies the token and remembers it, RBAC
// wants the organization.
func (b *bench) nativeFilters() string {
	const filters = `- name: envoy.filters.http.jwt_authn
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
              providers:
                kinde:
                  issuer: %q
                  audiences: [%q]
                  forward: true
                  local_jwks: {inline_string: %q}
                  payload_in_metadata: payload
                  jwt_cache_config: {jwt_cache_size: 1000}
              rules: [{match: {prefix: /}, requires: {provider_name: kinde}}]
          - name: envoy.filters.http.rbac
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
              rules:
                policies:
                  organization:
                    permissions: [{any: true}]
                    principals:
                    - sourced_metadata:
                        metadata_matcher:
                          filter: envoy.filters.http.jwt_authn
                          path: [{key: payload}, {key: org_code}]
                          value: {string_match: {exact: %q}}
          `
	return fmt.Sprintf(filters, domain, kindetest.Audience, b.tokens.JWKS(), kindetest.Org)
}
