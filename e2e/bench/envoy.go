package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/kinde-authz/kinde-authz/e2e/bench/load"
	"github.com/kinde-authz/kinde-authz/e2e/bench/party"
	"github.com/kinde-authz/kinde-authz/e2e/bench/result"
)

// connections are how many load each Envoy at a time.
var connections = []int{16, 64}

// behindEnvoy measures warm requests through Envoys that differ in what
// decides.
func (b *bench) behindEnvoy(ctx context.Context) error {
	services, stop, err := b.services(ctx, true)
	defer stop()
	if err != nil {
		return err
	}
	jwks := b.pool.JWKS()
	gates := []party.Gate{
		{Name: "no filter"},
		{Name: "jwt_authn + RBAC", Native: jwks, Domain: domain},
		{Name: "jwt_authn (cached) + RBAC", Native: jwks, Domain: domain, Cached: true},
	}
	for _, service := range services {
		gates = append(gates, party.Gate{Name: service.Name, Service: service})
	}
	turns := make([][]turn, len(connections))
	for _, gate := range gates {
		envoy, err := b.house.Envoy(ctx, b.envoy, b.envoyConfig, gate)
		if err != nil {
			return err
		}
		defer envoy.Stop()
		if err := b.probeEnvoy(envoy, gate); err != nil {
			return fmt.Errorf("%s: %w", gate.Name, err)
		}
		for i, n := range connections {
			turns[i] = append(turns[i], b.turn(b.envoyTrial(result.GroupEnvoy, envoy, gate, n)))
		}
	}
	for i := range turns {
		if err := b.inTurns(ctx, turns[i]); err != nil {
			return err
		}
	}
	return nil
}

// services starts those that ext_authz asks: the stock server, kinde-authz
// and, when it is wanted and given, OPA-Envoy. stop is never nil.
func (b *bench) services(ctx context.Context, opa bool) (services []*party.Service, stop func(), err error) {
	stop = func() {
		for _, service := range services {
			service.Stop()
		}
	}
	starts := []func() (*party.Service, error){
		func() (*party.Service, error) { return b.house.Stock(ctx, b.stock) },
		func() (*party.Service, error) { return b.house.Authz(ctx, b.authz, "envoy", b.settings(nil)) },
	}
	if opa && b.opa != "" {
		starts = append(starts, func() (*party.Service, error) { return b.house.OPA(ctx, b.opa, domain, b.pool.JWKS()) })
	}
	for _, start := range starts {
		service, err := start()
		if err != nil {
			return services, stop, err
		}
		services = append(services, service)
	}
	return services, stop, nil
}

// envoyTrial is a case of so many connections with warm tokens.
func (b *bench) envoyTrial(group string, envoy *party.Envoy, gate party.Gate, connections int) trial {
	requests := make([][]byte, few)
	for i := range requests {
		requests[i] = load.Get(path, b.pool.Token(i))
	}
	t := trial{group: group, name: result.Behind(gate.Name, connections), envoy: envoy.Process}
	if gate.Service != nil {
		t.service = gate.Service.Process
	}
	t.run = func(ctx context.Context, end load.End) (load.Sample, error) {
		return load.HTTP(ctx, envoy.Address, end, connections, requests)
	}
	return t
}

// probeEnvoy wants a good token to pass, and a forged one to be refused where
// tokens are verified at all.
func (b *bench) probeEnvoy(envoy *party.Envoy, gate party.Gate) error {
	forged := http.StatusUnauthorized
	switch {
	case gate.Service == nil && gate.Native == "" || gate.Name == result.CaseStock:
		forged = http.StatusOK
	case gate.Name == result.CaseOPA:
		forged = http.StatusForbidden
	}
	for _, request := range []struct {
		token string
		want  int
	}{{b.pool.Token(0), http.StatusOK}, {string(b.pool.AppendForged(nil, 0)), forged}} {
		status, err := load.Status(envoy.Address, load.Get(path, request.token))
		if err != nil {
			return err
		}
		if status != request.want {
			return fmt.Errorf("status %d, want %d", status, request.want)
		}
	}
	return nil
}
