package main

import (
	"context"
	"fmt"

	"github.com/kinde-authz/kinde-authz/e2e/bench/load"
	"github.com/kinde-authz/kinde-authz/e2e/bench/party"
	"github.com/kinde-authz/kinde-authz/e2e/bench/result"
)

// growth measures what more of something costs: tokens, connections, routes,
// issuers, headers.
func (b *bench) growth(ctx context.Context) error {
	for _, grow := range []func(context.Context) error{
		b.growTokens, b.growConnections, b.growRoutes, b.growIssuers, b.growHeaders,
	} {
		if err := grow(ctx); err != nil {
			return err
		}
	}
	return nil
}

// growConnections loads the stock server and kinde-authz behind Envoy with
// more and more connections.
func (b *bench) growConnections(ctx context.Context) error {
	services, stop, err := b.services(ctx, false)
	defer stop()
	if err != nil {
		return err
	}
	var turns []turn
	for _, service := range services {
		gate := party.Gate{Name: service.Name, Service: service}
		envoy, err := b.house.Envoy(ctx, b.envoy, b.envoyConfig, gate)
		if err != nil {
			return err
		}
		defer envoy.Stop()
		for _, n := range []int{1, 4, 16, 64, 256} {
			turns = append(turns, b.turn(b.envoyTrial(result.GrowthConnections, envoy, gate, n)))
		}
	}
	return b.inTurns(ctx, turns)
}

// growRoutes measures with more and more routes, of which the last matches.
func (b *bench) growRoutes(ctx context.Context) error {
	return b.growSettings(ctx, result.GrowthRoutes, "routes", []int{1, 10, 100, 1000}, func(n int) map[string]any {
		var routes []any
		for i := range n - 1 {
			routes = append(routes, map[string]any{"path": fmt.Sprintf("/api/service-%04d/{item}", i), "methods": []string{"GET"}, "policy": "default"})
		}
		routes = append(routes, map[string]any{"path": "/api/agents/{agent}", "methods": []string{"GET"}, "policy": "default"})
		return map[string]any{"routes": routes, "policies": map[string]any{"default": map[string]any{}}}
	})
}

// growIssuers measures with more and more issuers, of which the last is the
// tokens'.
func (b *bench) growIssuers(ctx context.Context) error {
	return b.growSettings(ctx, result.GrowthIssuers, "issuers", []int{1, 10, 100}, func(n int) map[string]any {
		var issuers []any
		for i := range n - 1 {
			issuers = append(issuers, b.issuer(fmt.Sprintf("https://bench-%03d.kinde.com", i)))
		}
		return map[string]any{"issuers": append(issuers, b.issuer(domain))}
	})
}

// growSettings measures warm tokens straight on the gRPC port, one kinde-authz
// for each step.
func (b *bench) growSettings(ctx context.Context, group, what string, steps []int, more func(n int) map[string]any) error {
	template, err := b.template()
	if err != nil {
		return err
	}
	warm := list(b.good(template, few))
	var turns []turn
	for _, n := range steps {
		name := result.Step(n, what)
		authz, err := b.house.Authz(ctx, b.authz, name, b.settings(more(n)))
		if err != nil {
			return err
		}
		defer authz.Stop()
		t, done, err := b.straightTrial(ctx, group, straight{name, authz, warm, ""})
		if err != nil {
			return err
		}
		defer done()
		turns = append(turns, b.turn(t))
	}
	return b.inTurns(ctx, turns)
}

// growHeaders sends requests with more and more headers, as they come without
// allowed_headers.
func (b *bench) growHeaders(ctx context.Context) error {
	authz, err := b.house.Authz(ctx, b.authz, "headers", b.settings(nil))
	if err != nil {
		return err
	}
	defer authz.Stop()
	var turns []turn
	for _, n := range []int{5, 20, 60} {
		template, err := load.NewTemplate(b.pool.Length(), path, n)
		if err != nil {
			return err
		}
		t, done, err := b.straightTrial(ctx, result.GrowthHeaders, straight{result.Step(n, "headers"), authz, list(b.good(template, few)), ""})
		if err != nil {
			return err
		}
		defer done()
		turns = append(turns, b.turn(t))
	}
	return b.inTurns(ctx, turns)
}
